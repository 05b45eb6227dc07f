import { StemConfigError } from './errors.js';
import { faultInName } from './names.js';
import { resolveTaskOptions, type TaskOptions } from './task-options.js';

/**
 * A task's name, its options and the types of its arguments and result: what a producer and a worker
 * share. Made by {@link defineTask}.
 */
export interface TaskDefinition<TArgs = unknown, TResult = unknown> {
  readonly name: string;
  /** As they were written. */
  readonly options: TaskOptions;
  /** Carries the types; never present at run time. */
  readonly '~types'?: { readonly args: TArgs; readonly result: TResult };
}

/** The arguments of a task: `TaskArgs<typeof SendEmail>`. */
export type TaskArgs<T> = T extends TaskDefinition<infer TArgs, unknown> ? TArgs : unknown;

/** The result of a task: `TaskResult<typeof SendEmail>`. */
export type TaskResult<T> = T extends TaskDefinition<unknown, infer TResult> ? TResult : unknown;

/**
 * Defines a task once, for the code that enqueues it and for the code that runs it.
 *
 * @param name what the task is called everywhere, such as `email.send`.
 * @param options defaults for every task of this name.
 * @throws {StemConfigError} naming the option at fault.
 */
export function defineTask<TArgs = unknown, TResult = unknown>(
  name: string,
  options: TaskOptions<TArgs> = {},
): TaskDefinition<TArgs, TResult> {
  requireTaskName(name, 'defineTask');
  resolveTaskOptions(options, `defineTask('${name}')`);
  return Object.freeze({ name, options: Object.freeze({ ...options }) as TaskOptions });
}

/** Whether a value is a task definition rather than a name. */
export function isTaskDefinition(value: unknown): value is TaskDefinition {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as TaskDefinition).name === 'string' &&
    typeof (value as TaskDefinition).options === 'object' &&
    (value as TaskDefinition).options !== null
  );
}

/** @throws {StemConfigError} unless `name` can be a task's name. */
export function requireTaskName(name: unknown, place: string): string {
  const fault = faultInName(name);
  if (fault) {
    throw new StemConfigError({
      option: `The task name of ${place}`,
      value: name,
      expected: `a name that is ${fault}`,
    });
  }
  return name as string;
}
