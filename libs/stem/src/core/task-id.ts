import { nanoid } from 'nanoid';

/** Random characters of a generated id: 108 bits. */
const RANDOM_LENGTH = 18;
const GENERATED = /^([0-9a-z]{1,2})\.(?:[\w-]{18}|sched:.*:\d+)$/s;

/** A new task id. It carries its partition, so that the id alone says where the task lives. */
export function newTaskId(partition: number): string {
  return `${partition.toString(36)}.${nanoid(RANDOM_LENGTH)}`;
}

/**
 * The id of the task that one tick of a schedule enqueues: the same whoever enqueues it, so that a tick
 * cannot become two tasks. It carries its partition, like a new id.
 *
 * @param dueAt the tick's own time, in milliseconds since 1970.
 */
export function tickTaskId(partition: number, scheduleId: string, dueAt: number): string {
  return `${partition.toString(36)}.sched:${scheduleId}:${dueAt}`;
}

/** The partition that a generated id names, or nothing for an id given by a user. */
export function partitionNamedBy(id: string): number | undefined {
  const match = GENERATED.exec(id);
  return match ? Number.parseInt(match[1] as string, 36) : undefined;
}

/** Places a key among `partitions`, evenly and the same on every machine (FNV-1a, 32 bits). */
export function partitionFor(key: string, partitions: number): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i++) {
    hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  }
  return (hash >>> 0) % partitions;
}

/** Most partitions a namespace can have: two base-36 digits. */
export const MAX_PARTITIONS = 1_296;
