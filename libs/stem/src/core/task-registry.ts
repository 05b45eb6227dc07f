import { DuplicateTaskError, UnknownTaskError } from './errors.js';
import { nearestNames } from './names.js';
import type { TaskContext } from './task-context.js';
import type { ResolvedTaskOptions } from './task-options.js';

/** Calls the code of a task; may return a promise or a plain value. */
export type TaskInvoker = (args: unknown, context: TaskContext) => unknown;

/** A task as an application knows it. */
export interface RegisteredTask {
  readonly name: string;
  readonly options: ResolvedTaskOptions;
  /** Where it was defined, for errors: `@Task on EmailTasks.send`, `tasks: [SendEmail]`. */
  readonly place: string;
  /** Absent in a producer, which knows only the definition. */
  readonly invoke: TaskInvoker | undefined;
}

/** The tasks known to one Stem, by name. */
export class TaskRegistry {
  readonly #tasks = new Map<string, RegisteredTask>();

  /**
   * Adds a task. A bare definition and the handler of the same name are one task: the handler wins.
   *
   * @throws {DuplicateTaskError} when two handlers claim one name.
   */
  register(task: RegisteredTask): void {
    const known = this.#tasks.get(task.name);
    if (known?.invoke && task.invoke) {
      throw new DuplicateTaskError(task.name, [known.place, task.place]);
    }
    if (!known || task.invoke) this.#tasks.set(task.name, task);
  }

  get(name: string): RegisteredTask | undefined {
    return this.#tasks.get(name);
  }

  /** @throws {UnknownTaskError} with the nearest known names. */
  require(name: string): RegisteredTask {
    const task = this.#tasks.get(name);
    if (!task) throw new UnknownTaskError(name, nearestNames(name, this.#tasks.keys()));
    return task;
  }

  list(): RegisteredTask[] {
    return [...this.#tasks.values()];
  }
}
