import type { Broker, Delivery, SettleOutcome } from '../broker/broker.js';
import { describeFailure } from '../core/failure.js';
import { JsonText } from '../core/json.js';
import type { SignalBus, SignalledTask, SignalledWorker } from '../core/signals.js';
import type { TaskLogger } from '../core/task-context.js';
import type { TaskObservers } from '../core/task-observer.js';
import type { RunOutcome } from '../core/worker-status.js';
import type { TaskRun } from './task-run.js';
import type { Verdict } from './verdict.js';

/** The `WorkerCounts` of a worker, for those who count. */
export interface MutableCounts {
  readonly runs: Record<RunOutcome, number>;
  leasesLost: number;
  blocks: number;
}

const OUTCOME_OF_VERB = {
  complete: 'succeeded',
  fail: 'failed',
  retry: 'retrying',
  abandon: 'cancelled',
  release: 'released',
} as const satisfies Record<Verdict['verb'], RunOutcome>;

/** What a {@link RunReporter} works with. */
export interface RunReporterParts {
  readonly broker: Broker;
  readonly signals: SignalBus;
  readonly observers?: TaskObservers | undefined;
  readonly log: TaskLogger;
  readonly worker: SignalledWorker;
  readonly counts: MutableCounts;
}

/** Counts, logs, signals and shows what becomes of runs. Without listeners and observers it only counts. */
export class RunReporter {
  readonly #parts: RunReporterParts;

  constructor(parts: RunReporterParts) {
    this.#parts = parts;
  }

  received(delivery: Delivery): void {
    const { signals, worker } = this.#parts;
    if (!signals.has('taskReceived')) return;
    void signals.emit('taskReceived', { task: signalled(delivery), worker });
  }

  /** Resolves when the listeners are done; nothing when there are none. */
  prerun(run: TaskRun): Promise<void> | undefined {
    const { signals, observers, worker } = this.#parts;
    if (observers?.isActive) observers.started(run, worker);
    if (!signals.has('taskPrerun')) return undefined;
    return signals.emit('taskPrerun', { task: signalled(run.delivery), worker });
  }

  /** The code of a run has ended: from here on its duration stands still. */
  ended(run: TaskRun): void {
    const { signals, observers } = this.#parts;
    if (observers?.isActive || hasEndListeners(signals)) run.endedMonotonicMs = performance.now();
  }

  /** A run is over, and the broker has answered. */
  over(run: TaskRun, verdict: Verdict, settled: SettleOutcome): void {
    const { counts, signals, observers, worker, log } = this.#parts;
    // `not-held` is success, too: a repeated call finds the task gone that its first try had settled.
    const outcome = settled === 'lease-lost' ? 'lease-lost' : OUTCOME_OF_VERB[verdict.verb];
    counts.runs[outcome]++;
    if (verdict.verb === 'fail' && outcome === 'failed') {
      log.error(
        `Task '${run.name}' (${run.id}) failed, ${verdict.reason}: ${describeFailure(verdict.error).message}`,
      );
    }
    if (observers?.isActive) {
      const reason = 'reason' in verdict ? verdict.reason : undefined;
      const error = 'error' in verdict ? verdict.error : undefined;
      observers.ended(run, worker, outcome, reason, error);
    }
    if (outcome !== 'lease-lost' && hasEndListeners(signals)) {
      void this.#emitEnd(run, verdict);
    } else if (signals.has('taskPostrun')) {
      void this.#emitPostrun(run, outcome);
    }
  }

  async #emitEnd(run: TaskRun, verdict: Verdict): Promise<void> {
    const { signals, worker, broker } = this.#parts;
    const about = { task: signalled(run.delivery), worker, durationMs: run.durationMs };
    switch (verdict.verb) {
      case 'complete': {
        const { value } = verdict;
        const result: unknown = value instanceof JsonText ? value.parse() : value;
        await signals.emit('taskSucceeded', { ...about, result });
        break;
      }
      case 'retry': {
        const { error } = verdict;
        const failure = describeFailure(error);
        const delayMs = verdict.delayMs ?? Math.max((verdict.dueAt ?? 0) - broker.now(), 0);
        await signals.emit('taskRetry', { ...about, error, failure, delayMs });
        break;
      }
      case 'fail': {
        const { error, reason } = verdict;
        const failure = describeFailure(error);
        await signals.emit('taskFailed', { ...about, error, failure, reason });
        break;
      }
      case 'abandon':
        await signals.emit('taskRevoked', { ...about, reason: verdict.reason });
        break;
      case 'release':
        break;
    }
    await this.#emitPostrun(run, OUTCOME_OF_VERB[verdict.verb]);
  }

  #emitPostrun(run: TaskRun, outcome: RunOutcome): Promise<void> {
    const { signals, worker } = this.#parts;
    const { delivery, durationMs } = run;
    return signals.emit('taskPostrun', { task: signalled(delivery), worker, outcome, durationMs });
  }
}

function hasEndListeners(signals: SignalBus): boolean {
  return (
    signals.has('taskSucceeded') ||
    signals.has('taskRetry') ||
    signals.has('taskFailed') ||
    signals.has('taskRevoked') ||
    signals.has('taskPostrun')
  );
}

function signalled({ envelope, queue, attempt }: Delivery): SignalledTask {
  const { id, name, args, headers } = envelope;
  return { id, name, queue, args, headers, attempt };
}
