import type { Consumer, ResultBackend, SettleOutcome } from '../broker/broker.js';
import { resultKeyOf, resultReference } from '../broker/broker.js';
import { describeFailure } from '../core/failure.js';
import type { TaskLogger } from '../core/task-context.js';
import type { TaskRun } from './task-run.js';
import type { Verdict } from './verdict.js';

const FIRST_BACKOFF_MS = 100;
const LAST_BACKOFF_MS = 5_000;

/** What an {@link OutcomeSender} works with. */
export interface OutcomeSenderParts {
  readonly consumer: Consumer;
  /** Where results are kept apart from the broker's records, if anywhere. */
  readonly resultBackend: ResultBackend | undefined;
  readonly log: TaskLogger;
  readonly isLeaseLost: () => boolean;
  /** Told when an outcome that had to wait is with the broker's client: there is room for more. */
  readonly onSent: () => void;
}

/** Takes verdicts to the broker, and takes them again until the broker has answered. */
export class OutcomeSender {
  readonly #parts: OutcomeSenderParts;
  #waiting = 0;

  constructor(parts: OutcomeSenderParts) {
    this.#parts = parts;
  }

  /** Outcomes that are not with the broker's client yet; their tasks still count as held. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Carries the transition out. Never rejects: every transition may be repeated, so it is. */
  send(run: TaskRun, verdict: Verdict): Promise<SettleOutcome> {
    const sent = this.#try(run, verdict);
    return sent.catch((reason: unknown) => this.#sendAgain(run, verdict, reason));
  }

  /** A failure is described here, once it is needed. */
  #try(run: TaskRun, verdict: Verdict): Promise<SettleOutcome> {
    const { consumer, resultBackend } = this.#parts;
    const { delivery, startedAt } = run;
    switch (verdict.verb) {
      case 'complete': {
        const { result, ttlMs } = verdict;
        if (resultBackend && result !== undefined) {
          return this.#completeApart(run, resultBackend, result, ttlMs);
        }
        return consumer.complete(delivery, { result, startedAt, ttlMs });
      }
      case 'retry': {
        const { error, delayMs, dueAt, ttlMs } = verdict;
        const failure = describeFailure(error);
        return consumer.retry(delivery, { failure, delayMs, dueAt, startedAt, ttlMs });
      }
      case 'fail': {
        const failure = describeFailure(verdict.error);
        return consumer.fail(delivery, { failure, reason: verdict.reason, startedAt });
      }
      case 'abandon': {
        const { reason, ttlMs } = verdict;
        return consumer.abandon(delivery, { reason, startedAt, ttlMs });
      }
      case 'release':
        return consumer.release(delivery);
    }
  }

  /** The result goes first: a record must never refer to a result that was not written. */
  async #completeApart(
    { delivery, startedAt }: TaskRun,
    backend: ResultBackend,
    result: string,
    ttlMs: number,
  ): Promise<SettleOutcome> {
    const reference = resultReference(delivery);
    this.#waiting++;
    try {
      await backend.put(resultKeyOf(reference) as string, result, ttlMs);
    } finally {
      this.#waiting--;
    }
    return this.#parts.consumer.complete(delivery, { result: reference, startedAt, ttlMs });
  }

  async #sendAgain(run: TaskRun, verdict: Verdict, reason: unknown): Promise<SettleOutcome> {
    const { log, isLeaseLost, onSent } = this.#parts;
    log.warn(`Could not ${verdict.verb} task ${run.id}; trying again. ${String(reason)}`);
    this.#waiting++;
    let backoffMs = FIRST_BACKOFF_MS;
    try {
      for (;;) {
        await new Promise((resolve) => setTimeout(resolve, backoffMs));
        if (isLeaseLost()) return 'lease-lost';
        try {
          return await this.#try(run, verdict);
        } catch {
          // Logged once; the claimer and the lease keeper tell of the broker's absence, too.
          backoffMs = Math.min(backoffMs * 2, LAST_BACKOFF_MS);
        }
      }
    } finally {
      this.#waiting--;
      onSent();
    }
  }
}
