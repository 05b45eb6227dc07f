import type { CancelOutcome } from '../broker/broker.js';
import type { Duration } from '../core/duration.js';
import type { TaskStatus } from './task-status.js';

/** Options of {@link TaskHandle.result}. */
export interface ResultOptions {
  /** Longest time to wait. Default: as long as it takes. */
  readonly timeout?: Duration;
}

/** Options of {@link TaskHandle.cancel}. */
export interface CancelOptions {
  /** Shown to whoever waits for the task. Default `cancelled on request`. */
  readonly reason?: string;
  /** Whether an isolated handler may be killed, instead of only being told by `ctx.signal`. */
  readonly terminate?: boolean;
}

/** What a handle asks its client. */
export interface TaskInquiries {
  awaitResult(id: string, options: ResultOptions): Promise<unknown>;
  statusOf(id: string): Promise<TaskStatus | undefined>;
  cancel(id: string, options?: CancelOptions): Promise<CancelOutcome>;
}

/** A task by its id; works in every process that reaches the broker. */
export class TaskHandle<TResult = unknown> {
  /** The task's id. */
  readonly id: string;
  /**
   * Whether this call to `enqueue` created the task: false when a unique or id claim returned one that
   * was there, and for handles made by `stem.task(id)`.
   */
  readonly created: boolean;
  readonly #inquiries: TaskInquiries;

  constructor(id: string, created: boolean, inquiries: TaskInquiries) {
    this.id = id;
    this.created = created;
    this.#inquiries = inquiries;
  }

  /**
   * Waits until the task has ended, in whatever process it runs.
   *
   * @returns what its handler returned.
   * @throws {TaskFailedError} when it gave up; `cause` is the handler's error.
   * @throws {TaskCancelledError} when it was cancelled.
   * @throws {TaskExpiredError} when it expired.
   * @throws {ResultTimeoutError} when `timeout` passed first; the task itself goes on.
   * @throws {TaskNotFoundError} when no such task is known, or is not any more.
   */
  async result(options: ResultOptions = {}): Promise<TResult> {
    return (await this.#inquiries.awaitResult(this.id, options)) as TResult;
  }

  /** What is known of the task now; `undefined` when it is not known, or not any more. */
  async status(): Promise<TaskStatus<TResult> | undefined> {
    return (await this.#inquiries.statusOf(this.id)) as TaskStatus<TResult> | undefined;
  }

  /**
   * Ends a waiting task, and asks a running one to stop by its `ctx.signal`.
   *
   * @returns `cancelled`; `requested` when it runs; `ended` when it already had; `not-found`.
   */
  cancel(options?: CancelOptions): Promise<CancelOutcome> {
    return this.#inquiries.cancel(this.id, options);
  }
}
