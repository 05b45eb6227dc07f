import type { TaskContext } from '../core/task-context.js';
import { isTaskDefinition, type TaskDefinition } from '../core/define-task.js';
import type { TaskOptions } from '../core/task-options.js';
import { addMetadata, TASK_METADATA, type TaskMetadata } from './stem.constants.js';

/** A class that handles one task; decorate it with {@link Task} and list it as a provider. */
export interface TaskHandler<TArgs = unknown, TResult = unknown> {
  /** Runs one attempt. What it throws fails the attempt. */
  call(args: TArgs, context: TaskContext): TResult | Promise<TResult>;
}

/** Decorates a method, or a class that is a {@link TaskHandler}, of a task with this result. */
export interface TaskDecorator<TResult> {
  (handler: abstract new (...args: never[]) => TaskHandler<never, TResult>): void;
  /** @typeParam T the method, whose result must be one of the task. */
  <T extends (...args: never[]) => TResult | Promise<TResult>>(
    target: object,
    method: string | symbol,
    descriptor: TypedPropertyDescriptor<T>,
  ): void;
}

/**
 * Makes a method of a provider or controller, or a class with a method `call`, the handler of a task.
 * It is called with the arguments and a {@link TaskContext}, and what it returns is the result.
 *
 * @param task the task's name, or its definition, whose options and result type then hold.
 * @param options options, which win over the definition's; a number is short for `maxRetries`. They
 *   are checked at boot: a bad option or a name taken twice fails with an error that names the places.
 */
export function Task<TResult>(
  task: TaskDefinition<unknown, TResult>,
  options?: number | TaskOptions,
): TaskDecorator<TResult>;
export function Task(task: string, options?: number | TaskOptions<unknown>): TaskDecorator<unknown>;
export function Task(
  task: string | TaskDefinition,
  options: number | TaskOptions = {},
): TaskDecorator<unknown> {
  const own: TaskOptions = typeof options === 'number' ? { maxRetries: options } : options;
  const metadata: TaskMetadata = isTaskDefinition(task)
    ? { name: task.name, options: { ...task.options, ...own } }
    : { name: task, options: own };
  return (target: object, _method?: string | symbol, descriptor?: PropertyDescriptor) =>
    addMetadata(TASK_METADATA, metadata, (descriptor?.value as object | undefined) ?? target);
}
