import type { Duration } from '../core/duration.js';
import type { JsonObject } from '../core/json.js';
import type { TaskArgs, TaskDefinition, TaskResult } from '../core/define-task.js';

/** What may be said of one task when it is enqueued. */
export interface EnqueueOptions {
  /** Texts that travel with the task; its children inherit them. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Default: the task's own queue, then the module's `defaultQueue`. */
  readonly queue?: string;
  /** 0 to 9, 9 first. Default: the task's own, then 0. */
  readonly priority?: number;
  /** Not before this long from now. Not together with `at`. */
  readonly delay?: Duration;
  /** Not before this time. Not together with `delay`. */
  readonly at?: Date;
  /** Not run any more after this long, or after this time. Default: the task's own, then never. */
  readonly expires?: Duration | Date;
  /**
   * An id of your own, at most 200 characters. If a task of this id is known already, none is created
   * and the handle is of the known one. Default: a new random id.
   */
  readonly id?: string;
  /** Tries after the first. Default: the task's own, then the module's `defaultMaxRetries`. */
  readonly maxRetries?: number;
  /** JSON that travels with the task, for machinery rather than for handlers. */
  readonly meta?: JsonObject;
  /**
   * While a task of the same name, queue and key waits or runs, no other is created; the handle is of
   * the one that is there. Default: the task's own, then false.
   */
  readonly unique?: boolean;
  /** Longest time that the claim may last; implies `unique`. Default: until the task ends. */
  readonly uniqueFor?: Duration;
  /** What makes two tasks the same; implies `unique`. Default: their arguments. */
  readonly uniqueKey?: string;
  /** How long the record of the ended task is kept. Default: the task's own, then the module's. */
  readonly resultTtl?: Duration;
}

/** What follows the definition in `enqueue`: arguments may be left out where they may be `undefined`. */
export type EnqueueParameters<TArgs> = undefined extends TArgs
  ? [args?: TArgs, options?: EnqueueOptions]
  : [TArgs] extends [void]
    ? [args?: TArgs, options?: EnqueueOptions]
    : [args: TArgs, options?: EnqueueOptions];

/** A task by name or by definition. */
export type TaskReference = string | TaskDefinition<unknown, unknown>;

/** One task of `enqueueMany`. */
export type EnqueueRequest<T extends TaskReference = TaskReference> = {
  readonly task: T;
  readonly options?: EnqueueOptions;
} & (undefined extends TaskArgs<T>
  ? { readonly args?: TaskArgs<T> }
  : { readonly args: TaskArgs<T> });

/** Results of `enqueueMany`, one for each request. */
export type ResultsOf<TTasks extends readonly TaskReference[]> = {
  readonly [K in keyof TTasks]: TaskResult<TTasks[K]>;
};
