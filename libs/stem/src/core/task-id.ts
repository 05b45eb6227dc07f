import { randomFillSync } from 'node:crypto';

/** Random characters of a generated id: 108 bits. */
const RANDOM_LENGTH = 18;
/** Those of base64url; a byte's lower six bits choose one, so that all are equally likely. */
const ALPHABET = Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_');
/** What comes before them: up to two digits of a partition, and a dot. */
const PREFIX_LENGTH = 3;
const DOT = 46;
const SLOT_LENGTH = PREFIX_LENGTH + RANDOM_LENGTH;
/** Ids that are made ready at once: to ask for randomness takes longer than all else. */
const SLOTS = 512;
const slots = Buffer.alloc(SLOTS * SLOT_LENGTH);
let nextSlot = slots.length;

const GENERATED = /^([0-9a-z]{1,2})\.(?:[\w-]{18}|sched:.*:\d+)$/s;

/** A new task id. It carries its partition, so that the id alone says where the task lives. */
export function newTaskId(partition: number): string {
  if (nextSlot === slots.length) fillSlots();
  const random = nextSlot + PREFIX_LENGTH;
  nextSlot += SLOT_LENGTH;
  // One text from the start. Put together of two it would stay a tree of them, and whoever looks into it, to quote
  // it, would have to make it flat first: that takes longer than all of this.
  const digits = partition.toString(36);
  let from = random;
  slots[--from] = DOT;
  for (let i = digits.length - 1; i >= 0; i--) slots[--from] = digits.charCodeAt(i);
  return slots.toString('latin1', from, nextSlot);
}

function fillSlots(): void {
  randomFillSync(slots);
  for (let i = 0; i < slots.length; i++) {
    slots[i] = ALPHABET[(slots[i] as number) % ALPHABET.length] as number;
  }
  nextSlot = 0;
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
