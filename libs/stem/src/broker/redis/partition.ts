import type { TaskLogger } from '../../core/task-context.js';
import type { EnqueueOutcome, NewTask, TaskRecord } from '../broker.js';
import { BATCH_LIMITS, isTooLargeForOneCall, lengthOf } from './batch-limits.js';
import { Batcher } from './batcher.js';
import type { RedisConnection } from './connection.js';
import { PartitionKeys } from './keys.js';
import type { BatchLeft } from './scripts/batch.script.js';
import { enqueue } from './scripts/enqueue.script.js';
import { ScriptCaller } from './scripts/script-caller.js';
import { find } from './scripts/task.script.js';
import type { ServerClock } from './server-clock.js';
import { StagedBatches } from './staged-batches.js';

/** One slice of a namespace: its keys, its scripts, and the batches of calls that any client makes. */
export class Partition {
  readonly index: number;
  readonly keys: PartitionKeys;
  readonly scripts: ScriptCaller;
  readonly #stagedBatches: StagedBatches;
  readonly #enqueues: Batcher<readonly NewTask[], EnqueueOutcome[]>;
  readonly #finds: Batcher<string, TaskRecord | undefined>;

  constructor(connection: RedisConnection, clock: ServerClock, namespace: string, index: number) {
    this.index = index;
    this.keys = new PartitionKeys(namespace, index);
    this.scripts = new ScriptCaller(connection, this.keys.prefix);
    this.#stagedBatches = new StagedBatches(connection, this.keys, this.scripts);
    this.#enqueues = new Batcher(
      (groups) => this.#enqueueGroups(groups),
      BATCH_LIMITS,
      (tasks) => ({ count: tasks.length, bytes: lengthOf(tasks) }),
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

  /** Tasks of one call are accepted together, whatever their size. */
  enqueue(tasks: readonly NewTask[]): Promise<EnqueueOutcome[]> {
    return this.#enqueues.add(tasks);
  }

  /** Moves what is left of a batch whose client is gone. */
  finishBatch(batch: BatchLeft, log?: TaskLogger): Promise<void> {
    return this.#stagedBatches.finish(batch, log);
  }

  find(id: string): Promise<TaskRecord | undefined> {
    return this.#finds.add(id);
  }

  async #enqueueGroups(groups: (readonly NewTask[])[]): Promise<EnqueueOutcome[][]> {
    const tasks = groups.length === 1 ? (groups[0] ?? []) : groups.flat();
    const outcomes = await (isTooLargeForOneCall(tasks)
      ? this.#stagedBatches.enqueue(tasks)
      : enqueue(this.scripts, tasks));
    let from = 0;
    return groups.map((group) => outcomes.slice(from, (from += group.length)));
  }
}
