import type { Duration } from './duration.js';
import type { JsonObject, JsonValue } from './json.js';

/** What a handler knows of its run, and what it can do to it. */
export interface TaskContext {
  readonly id: string;
  readonly name: string;
  readonly queue: string;
  /** Errors so far: 0 for the first try. */
  readonly attempt: number;
  /** Further tries allowed after the first. */
  readonly maxRetries: number;
  /** How often the task was handed out to a worker, this time included. */
  readonly deliveries: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly meta: JsonObject;
  /** When it was enqueued, by the broker's clock. */
  readonly enqueuedAt: Date;
  /**
   * Aborts when the run should end, with the reason: `SoftTimeLimitError`, `TaskCancelledError`,
   * `LeaseLostError` or `WorkerStoppingError`. Pass it on to whatever accepts a signal.
   */
  readonly signal: AbortSignal;
  /** Logs with the task's name and id. */
  readonly log: TaskLogger;

  /**
   * Shows how far the task is.
   *
   * @param fraction 0 to 1.
   * @param data anything JSON, kept beside it.
   */
  progress(fraction: number, data?: JsonValue): Promise<void>;

  /** Tells the broker that the task is alive; the worker does so by itself, too. */
  heartbeat(): Promise<void>;

  /** Makes sure of the lease for at least `duration` from now. */
  extendLease(duration: Duration): Promise<void>;

  /**
   * Ends this attempt and asks for another. Always throws; let it pass through.
   *
   * It counts as a failed attempt: past `maxRetries` the task is dead-lettered.
   */
  retry(options?: RetryRequestOptions): never;

  /** Enqueues a child task, which keeps this task's headers and names it as its parent in `meta`. */
  enqueue(
    task: string | { readonly name: string },
    args?: unknown,
    options?: ChildTaskOptions,
  ): Promise<{ readonly id: string; readonly created: boolean }>;
}

/** When the next attempt is due, and why there is one. */
export interface RetryRequestOptions {
  /** Default: what the task's retry policy says. */
  readonly delay?: Duration;
  readonly at?: Date;
  readonly reason?: string;
}

/** A subset of the enqueue options, sufficient for a child. */
export interface ChildTaskOptions {
  readonly headers?: Readonly<Record<string, string>>;
  readonly meta?: JsonObject;
  readonly queue?: string;
  readonly priority?: number;
  readonly delay?: Duration;
  readonly at?: Date;
  readonly expires?: Duration | Date;
  readonly id?: string;
  readonly maxRetries?: number;
}

/** The part of a Nest `LoggerService` that is used here. */
export interface TaskLogger {
  /** What is worth knowing. */
  log(message: string): void;
  /** What should not be so, and goes on. */
  warn(message: string): void;
  /** What has failed. */
  error(message: string): void;
  /** What helps to find a fault. */
  debug(message: string): void;
}
