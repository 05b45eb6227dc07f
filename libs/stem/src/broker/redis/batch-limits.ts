import type { NewTask } from '../broker.js';
import { isPlain } from './scripts/enqueue.script.js';

/**
 * The most that one script call carries, so that everybody else does not wait for long. What it comes to is
 * measured by the benchmark: `npm run bench -- --only hold`.
 */
export const BATCH_LIMITS = { count: 200, bytes: 128 * 1024 } as const;

/**
 * Up to here the tasks of one call to `enqueue` still go in one script call. It is more than Stem would put
 * together by itself, since cutting a batch into pieces costs round trips.
 */
const WHOLE_LIMITS = { count: 1_000, bytes: 384 * 1024 } as const;

/** So many plain tasks are accepted in the time of one with a delay, an expiry or a unique claim. */
const PLAIN_PER_SPECIAL = 3;

/** Most bytes that a UTF-16 unit becomes in UTF-8. */
const BYTES_PER_UNIT = 3;

/** Length of the tasks' envelopes, in UTF-16 units. */
export function lengthOf(tasks: readonly NewTask[]): number {
  let length = 0;
  for (const task of tasks) length += task.envelope.length;
  return length;
}

/** Whether tasks that are to be accepted together would hold Redis for too long in one script call. */
export function isTooLargeForOneCall(tasks: readonly NewTask[]): boolean {
  // A single one cannot be cut.
  if (tasks.length === 1) return false;
  if (tasks.length * PLAIN_PER_SPECIAL > WHOLE_LIMITS.count) {
    let count = 0;
    for (const task of tasks) count += isPlain(task) ? 1 : PLAIN_PER_SPECIAL;
    if (count > WHOLE_LIMITS.count) return true;
  }
  const length = lengthOf(tasks);
  if (length * BYTES_PER_UNIT <= WHOLE_LIMITS.bytes) return false;
  if (length > WHOLE_LIMITS.bytes) return true;
  let bytes = 0;
  for (const { envelope } of tasks) bytes += Buffer.byteLength(envelope);
  return bytes > WHOLE_LIMITS.bytes;
}

/** Cuts tasks into runs that one script call may carry each; a task that is larger goes alone. */
export function cutIntoPieces(tasks: readonly NewTask[]): NewTask[][] {
  const pieces: NewTask[][] = [];
  let piece: NewTask[] = [];
  let bytes = 0;
  for (const task of tasks) {
    const size = Buffer.byteLength(task.envelope);
    const isFull = piece.length === BATCH_LIMITS.count || bytes + size > BATCH_LIMITS.bytes;
    if (isFull && piece.length > 0) {
      pieces.push(piece);
      piece = [];
      bytes = 0;
    }
    piece.push(task);
    bytes += size;
  }
  if (piece.length > 0) pieces.push(piece);
  return pieces;
}
