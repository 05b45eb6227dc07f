import type { Broker, TaskRecord } from '../broker/broker.js';
import { StemConfigError } from '../core/errors.js';
import { requireCount, requireName } from '../core/task-options.js';
import { TASK_STATES, type TaskState } from '../core/task-state.js';
import type { TaskStatus } from './task-status.js';

/** Which tasks to list; all conditions must hold. */
export interface TaskListOptions {
  readonly state?: TaskState;
  readonly queue?: string;
  readonly name?: string;
  /** At most this many. Default 100. */
  readonly limit?: number;
  /** Leaves out so many first. Default 0. */
  readonly offset?: number;
}

/** What {@link Tasks} works with. */
export interface TasksParts {
  readonly broker: Broker;
  readonly describe: (record: TaskRecord) => Promise<TaskStatus>;
}

const DEFAULT_LIST_LIMIT = 100;

/** Looks at tasks: `stem.tasks`. */
export class Tasks {
  readonly #parts: TasksParts;

  constructor(parts: TasksParts) {
    this.#parts = parts;
  }

  /**
   * Tasks as `stem.task(id).status()` shows them, the latest first: ended ones by when they ended,
   * `scheduled` and `retrying` ones by when they are due, the others by when they became ready.
   *
   * It is for people who look around, not for programs that must see every task: one call looks at no
   * more than 20,000 tasks. Of more ended ones than that, any may be left out.
   *
   * @throws {StemConfigError} naming the option at fault.
   */
  async list(options: TaskListOptions = {}): Promise<TaskStatus[]> {
    const { state, queue, name, limit = DEFAULT_LIST_LIMIT, offset = 0 } = options;
    if (state !== undefined && !TASK_STATES.includes(state)) {
      throw new StemConfigError({
        option: 'state',
        value: state,
        expected: `one of ${TASK_STATES.join(', ')}`,
      });
    }
    const records = await this.#parts.broker.listTasks({
      state,
      queue: queue === undefined ? undefined : requireName(queue, 'queue'),
      name: name === undefined ? undefined : requireName(name, 'name'),
      limit: requireCount(limit, 'limit'),
      offset: requireCount(offset, 'offset'),
    });
    return Promise.all(records.map((record) => this.#parts.describe(record)));
  }
}
