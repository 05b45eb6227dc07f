import type { Consumer, Delivery } from '../broker/broker.js';
import { type Duration, parseDuration } from '../core/duration.js';
import { StemConfigError, type TaskCoordinates } from '../core/errors.js';
import type { JsonObject, JsonValue } from '../core/json.js';
import { toJson } from '../core/json.js';
import { Linked } from '../core/linked-set.js';
import type {
  ChildTaskOptions,
  RetryRequestOptions,
  TaskContext,
  TaskLogger,
} from '../core/task-context.js';
import type { RegisteredTask } from '../core/task-registry.js';
import type { IsolatedRun } from './isolation/isolated-runner.js';
import { RetryRequest } from './retry-request.js';

/** Enqueues a task on behalf of the one that runs. */
export type EnqueueChild = (
  parent: Delivery,
  task: string | { readonly name: string },
  args: unknown,
  options: ChildTaskOptions | undefined,
) => Promise<{ readonly id: string; readonly created: boolean }>;

/** What a run needs of the worker around it. */
export interface RunSurroundings {
  readonly consumer: Consumer;
  /** Aborts the run's signal when the lease turns out to be lost. */
  readonly renewLease: (atLeastMs?: number) => Promise<void>;
  readonly enqueueChild: EnqueueChild;
  readonly log: TaskLogger;
  readonly maxRetries: number;
  /** Largest progress data in bytes. */
  readonly progressBytes: number;
}

/**
 * One attempt at one task; the handler sees it as its {@link TaskContext}.
 *
 * Everything that most handlers never look at (the signal, the logger, dates) is made when first asked
 * for.
 */
export class TaskRun extends Linked implements TaskContext {
  readonly delivery: Delivery;
  readonly task: RegisteredTask | undefined;
  /** When it started, by the broker's clock. */
  readonly startedAt: number;
  /** When it started, by the process's monotonic clock. */
  readonly startedMonotonicMs = performance.now();
  /** When its code ended, by the same clock, if anybody wants to know. */
  endedMonotonicMs: number | undefined;
  readonly maxRetries: number;
  readonly #surroundings: RunSurroundings;
  #controller: AbortController | undefined;
  #abortReason: Error | undefined;
  #log: TaskLogger | undefined;
  /** Reason given by whoever asked the task to stop. */
  cancelReason: string | undefined;
  /** Whether the outcome is decided: whatever the handler still does is dropped. */
  isOver = false;
  /** Its part in a thread, where it runs in one. */
  isolated: IsolatedRun | undefined;
  softTimer: NodeJS.Timeout | undefined;
  hardTimer: NodeJS.Timeout | undefined;

  constructor(
    delivery: Delivery,
    task: RegisteredTask | undefined,
    startedAt: number,
    surroundings: RunSurroundings,
  ) {
    super();
    this.delivery = delivery;
    this.task = task;
    this.startedAt = startedAt;
    this.maxRetries = surroundings.maxRetries;
    this.#surroundings = surroundings;
  }

  get id(): string {
    return this.delivery.envelope.id;
  }

  get name(): string {
    return this.delivery.envelope.name;
  }

  get queue(): string {
    return this.delivery.queue;
  }

  get priority(): number {
    return this.delivery.priority;
  }

  get attempt(): number {
    return this.delivery.attempt;
  }

  get deliveries(): number {
    return this.delivery.deliveries;
  }

  get headers(): Readonly<Record<string, string>> {
    return this.delivery.envelope.headers;
  }

  get meta(): JsonObject {
    return this.delivery.envelope.meta;
  }

  get enqueuedAt(): Date {
    return new Date(this.delivery.enqueuedAt);
  }

  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController();
      if (this.#abortReason) this.#controller.abort(this.#abortReason);
    }
    return this.#controller.signal;
  }

  get log(): TaskLogger {
    return (this.#log ??= prefixed(this.#surroundings.log, `${this.name} ${this.id}: `));
  }

  /** Why the run was asked to end, if it was. */
  get abortReason(): Error | undefined {
    return this.#abortReason;
  }

  get durationMs(): number {
    return (this.endedMonotonicMs ?? performance.now()) - this.startedMonotonicMs;
  }

  /** How long it had been ready when it was started, where the broker tells. */
  get waitedMs(): number | undefined {
    const { readyAt } = this.delivery;
    return readyAt === undefined ? undefined : Math.max(0, this.startedAt - readyAt);
  }

  /** Asks the handler to end; the first reason stays. */
  abort(reason: Error): void {
    if (this.#abortReason) return;
    this.#abortReason = reason;
    this.#controller?.abort(reason);
    this.isolated?.abort(reason);
  }

  async progress(fraction: number, data?: JsonValue): Promise<void> {
    if (typeof fraction !== 'number' || !(fraction >= 0 && fraction <= 1)) {
      throw new StemConfigError(
        { option: 'progress', value: fraction, expected: 'a fraction from 0 to 1' },
        this.#where,
      );
    }
    if (data !== undefined)
      toJson(data, 'progress data', this.#surroundings.progressBytes, this.#where);
    if (this.isOver) return;
    await this.#surroundings.consumer.reportProgress(this.delivery, { fraction, data });
  }

  async heartbeat(): Promise<void> {
    await this.#surroundings.renewLease();
  }

  async extendLease(duration: Duration): Promise<void> {
    await this.#surroundings.renewLease(parseDuration(duration, 'extendLease', { minMs: 1 }));
  }

  retry(options: RetryRequestOptions = {}): never {
    throw RetryRequest.from(options, this.#where);
  }

  enqueue(
    task: string | { readonly name: string },
    args?: unknown,
    options?: ChildTaskOptions,
  ): Promise<{ readonly id: string; readonly created: boolean }> {
    return this.#surroundings.enqueueChild(this.delivery, task, args, options);
  }

  get #where(): TaskCoordinates {
    return { taskId: this.id, taskName: this.name, queue: this.queue };
  }
}

function prefixed(log: TaskLogger, prefix: string): TaskLogger {
  return {
    log: (message) => log.log(prefix + message),
    warn: (message) => log.warn(prefix + message),
    error: (message) => log.error(prefix + message),
    debug: (message) => log.debug(prefix + message),
  };
}
