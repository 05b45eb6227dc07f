import type { EnqueueOutcome, NewTask, TaskRecord } from '../broker.js';
import { Batcher } from './batcher.js';
import type { RedisConnection } from './connection.js';
import { PartitionKeys } from './keys.js';
import { enqueue } from './scripts/enqueue.script.js';
import { ScriptCaller } from './scripts/script-caller.js';
import { find } from './scripts/task.script.js';
import type { ServerClock } from './server-clock.js';

/**
 * The most that one script call carries, so that everybody else does not wait for long. What it comes to is
 * measured by the benchmark: `npm run bench -- --only hold`.
 */
export const BATCH_LIMITS = { count: 200, bytes: 128 * 1024 } as const;

/** One slice of a namespace: its keys, its scripts, and the batches of calls that any client makes. */
export class Partition {
  readonly index: number;
  readonly keys: PartitionKeys;
  readonly scripts: ScriptCaller;
  readonly #enqueues: Batcher<readonly NewTask[], EnqueueOutcome[]>;
  readonly #finds: Batcher<string, TaskRecord | undefined>;

  constructor(connection: RedisConnection, clock: ServerClock, namespace: string, index: number) {
    this.index = index;
    this.keys = new PartitionKeys(namespace, index);
    this.scripts = new ScriptCaller(connection, this.keys.prefix);
    this.#enqueues = new Batcher(
      (groups) => this.#enqueueGroups(groups),
      BATCH_LIMITS,
      (tasks) => ({ count: tasks.length, bytes: bytesOf(tasks) }),
      { isEager: true },
    );
    this.#finds = new Batcher(
      async (ids) => {
        const { now, records } = await find(this.scripts, ids);
        clock.heard(now);
        return records;
      },
      BATCH_LIMITS,
      () => ({ count: 1, bytes: 0 }),
      { isEager: true },
    );
  }

  /** Tasks of one call are accepted together, in one script call. */
  enqueue(tasks: readonly NewTask[]): Promise<EnqueueOutcome[]> {
    return this.#enqueues.add(tasks);
  }

  find(id: string): Promise<TaskRecord | undefined> {
    return this.#finds.add(id);
  }

  async #enqueueGroups(groups: (readonly NewTask[])[]): Promise<EnqueueOutcome[][]> {
    const outcomes = await enqueue(
      this.scripts,
      groups.length === 1 ? (groups[0] ?? []) : groups.flat(),
    );
    let from = 0;
    return groups.map((group) => outcomes.slice(from, (from += group.length)));
  }
}

function bytesOf(tasks: readonly NewTask[]): number {
  let bytes = 0;
  for (const task of tasks) bytes += task.envelope.length;
  return bytes;
}
