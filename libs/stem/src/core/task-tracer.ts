import type { ObservedRun } from './task-observer.js';
import type { SignalledWorker } from './signals.js';
import type { JsonObject } from './json.js';

/** A task that is being enqueued, as tracing follows it. */
export interface EnqueueTrace {
  /** What was given, and by what the task is followed into another process. */
  readonly headers: Readonly<Record<string, string>>;
  /** The broker has it, or had one of the same claim. Called once, unless {@link failed} is. */
  accepted(task: {
    readonly id: string;
    readonly queue: string;
    readonly priority: number;
    readonly created: boolean;
  }): void;
  failed(error: unknown): void;
}

/** A run, as tracing follows it. */
export interface TracedRun extends ObservedRun {
  readonly maxRetries: number;
  readonly deliveries: number;
  readonly priority: number;
  readonly meta: JsonObject;
}

/**
 * Follows tasks from the place where they are enqueued to the one where they run. Absent where nobody
 * traces: the way of a task looks at that once, and does nothing else.
 */
export interface TaskTracer {
  /** A task of this name is about to be prepared and sent. */
  enqueueing(name: string, headers: Readonly<Record<string, string>>): EnqueueTrace;
  /** Calls a handler so that what it does is seen as part of its run. Returns and throws what it does. */
  running<T>(run: TracedRun, worker: SignalledWorker, call: () => T): T;
}
