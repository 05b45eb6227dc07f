import type { SignalledWorker } from './signals.js';
import type { TaskLogger } from './task-context.js';
import type { RunOutcome } from './worker-status.js';

/** A task as observers see it. */
export interface ObservedTask {
  readonly id: string;
  readonly name: string;
  readonly queue: string;
  /** Errors so far: 0 for the first try. */
  readonly attempt: number;
  readonly headers: Readonly<Record<string, string>>;
}

/** One attempt at a task, as observers see it. */
export interface ObservedRun extends ObservedTask {
  /** When it started, in milliseconds since 1970 on the broker's clock. */
  readonly startedAt: number;
  /** How long it had been ready when it started, in milliseconds, where the broker tells. */
  readonly waitedMs: number | undefined;
  /** How long it has run so far; once it has ended, how long it ran. In milliseconds. */
  readonly durationMs: number;
}

/**
 * Sees what becomes of tasks in this process: what it enqueues and what its workers run. Meant for the
 * library's own recorders. Calls are made in the middle of the work and must end at once: no promise is
 * awaited. Objects that are passed must not be kept beyond the call.
 */
export interface TaskObserver {
  /** The broker has accepted it, as a new task. */
  enqueued?(task: ObservedTask): void;
  /** It was not created, because a task of the same claim is there; `id` is that task's. */
  deduplicated?(task: ObservedTask): void;
  /** It was cancelled while it waited, by a call of this process. */
  cancelled?(task: ObservedTask, reason: string): void;
  /** Its handler is about to be called. */
  started?(run: ObservedRun, worker: SignalledWorker): void;
  /**
   * The attempt is over, and the broker knows it.
   *
   * @param reason why it was dead-lettered or cancelled.
   * @param error what the handler threw.
   */
  ended?(
    run: ObservedRun,
    worker: SignalledWorker,
    outcome: RunOutcome,
    reason: string | undefined,
    error: unknown,
  ): void;
  /** A worker of this process has renewed its lease. */
  leaseRenewed?(worker: SignalledWorker): void;
  /** Dead letters were started over by a call of this process: of one queue, or given by their ids. */
  replayed?(count: number, queue: string | undefined): void;
}

/**
 * The observers of one Stem. Callers look at {@link isActive} first, so that without any nothing is built
 * or called. An observer that throws is logged and changes nothing.
 */
export class TaskObservers implements Required<TaskObserver> {
  readonly #log: Pick<TaskLogger, 'error'>;
  #observers: readonly TaskObserver[] = [];
  /** Whether anybody observes. */
  isActive = false;

  constructor(log: Pick<TaskLogger, 'error'>) {
    this.#log = log;
  }

  /** Adds an observer; call what it returns to remove it. */
  add(observer: TaskObserver): () => void {
    this.#set([...this.#observers, observer]);
    return () => this.#set(this.#observers.filter((other) => other !== observer));
  }

  enqueued(task: ObservedTask): void {
    for (const observer of this.#observers) {
      try {
        observer.enqueued?.(task);
      } catch (error) {
        this.#complain(error);
      }
    }
  }

  deduplicated(task: ObservedTask): void {
    for (const observer of this.#observers) {
      try {
        observer.deduplicated?.(task);
      } catch (error) {
        this.#complain(error);
      }
    }
  }

  leaseRenewed(worker: SignalledWorker): void {
    for (const observer of this.#observers) {
      try {
        observer.leaseRenewed?.(worker);
      } catch (error) {
        this.#complain(error);
      }
    }
  }

  replayed(count: number, queue: string | undefined): void {
    for (const observer of this.#observers) {
      try {
        observer.replayed?.(count, queue);
      } catch (error) {
        this.#complain(error);
      }
    }
  }

  cancelled(task: ObservedTask, reason: string): void {
    for (const observer of this.#observers) {
      try {
        observer.cancelled?.(task, reason);
      } catch (error) {
        this.#complain(error);
      }
    }
  }

  started(run: ObservedRun, worker: SignalledWorker): void {
    for (const observer of this.#observers) {
      try {
        observer.started?.(run, worker);
      } catch (error) {
        this.#complain(error);
      }
    }
  }

  ended(
    run: ObservedRun,
    worker: SignalledWorker,
    outcome: RunOutcome,
    reason: string | undefined,
    error: unknown,
  ): void {
    for (const observer of this.#observers) {
      try {
        observer.ended?.(run, worker, outcome, reason, error);
      } catch (fault) {
        this.#complain(fault);
      }
    }
  }

  #set(observers: readonly TaskObserver[]): void {
    this.#observers = observers;
    this.isActive = observers.length > 0;
  }

  #complain(error: unknown): void {
    this.#log.error(
      `An observer of tasks threw: ${error instanceof Error ? error.stack : String(error)}`,
    );
  }
}
