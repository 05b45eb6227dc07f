import type { NewTask } from '../broker/broker.js';
import type { SignalledTask } from '../core/signals.js';
import { partitionFor, tickTaskId } from '../core/task-id.js';
import type { StoredDefinition } from '../schedule/definition.js';
import type { EnqueueOptions } from './enqueue-options.js';
import type { TaskPreparer } from './task-preparer.js';

/** Names in `meta` by which a task tells which schedule it came from, and which tick (ISO 8601). */
export const SCHEDULE_ID = 'stem.scheduleId';
export const SCHEDULED_FOR = 'stem.scheduledFor';

/** The task of one tick, as the broker accepts it and as signals tell of it. */
export interface PreparedTick {
  readonly task: NewTask;
  readonly signalled: SignalledTask;
}

/**
 * Prepares the task of a tick, the way `stem.enqueue` does: the same checks, the options of its `@Task`,
 * its unique claim.
 *
 * @param partitions of the queues.
 * @throws what `TaskPreparer.prepare` throws.
 */
export function prepareTick(
  preparer: TaskPreparer,
  partitions: number,
  scheduleId: string,
  definition: StoredDefinition,
  dueAt: number,
): PreparedTick {
  const options = enqueueOptionsOf(scheduleId, definition, dueAt);
  const { name, task } = preparer.prepare(
    definition.task,
    definition.args,
    options,
    // Beside its schedule, unless a claim says where it has to be.
    (uniqueKey) => {
      const partition = uniqueKey === undefined ? 0 : partitionFor(uniqueKey, partitions);
      return tickTaskId(partition, scheduleId, dueAt);
    },
  );
  return {
    task,
    signalled: {
      id: task.id,
      name,
      queue: task.queue,
      args: definition.args ?? {},
      headers: definition.headers ?? {},
      attempt: 0,
    },
  };
}

/** What a schedule says of each of its tasks. Without `dueAt` it is not about a tick. */
export function enqueueOptionsOf(
  scheduleId: string,
  { queue, priority, maxRetries, expiresMs, headers, meta }: StoredDefinition,
  dueAt?: number,
): EnqueueOptions {
  return {
    ...(queue === undefined ? {} : { queue }),
    ...(priority === undefined ? {} : { priority }),
    ...(maxRetries === undefined ? {} : { maxRetries }),
    ...(expiresMs === undefined ? {} : { expires: expiresMs }),
    ...(headers === undefined ? {} : { headers }),
    meta: {
      ...meta,
      [SCHEDULE_ID]: scheduleId,
      ...(dueAt === undefined ? {} : { [SCHEDULED_FOR]: new Date(dueAt).toISOString() }),
    },
  };
}
