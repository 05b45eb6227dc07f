import type { ScriptCaller } from './script-caller.js';

/**
 * For how long (ms) a batch is left to whoever moves its pieces. A client that is only slow loses nothing when
 * others go on in its place: each piece is moved once.
 */
export const TAKE_OVER_MS = 5_000;

/** A batch with pieces that are still to be moved. */
export interface BatchLeft {
  readonly id: string;
  /** The piece that is next, from 1. */
  readonly next: number;
  /** How many pieces the batch has; 0 when Redis does not know any more. */
  readonly pieces: number;
}

/** What became of a piece. */
export type PieceOutcome =
  /** Its tasks are enqueued; of those that were not created their index in the piece, and the holder. */
  | { readonly kind: 'moved'; readonly refused: readonly (string | number)[] }
  /** Its text is not there or cannot be read. */
  | { readonly kind: 'lost'; readonly why: string }
  /** Nobody remembers, or its turn has not come. */
  | { readonly kind: 'unknown' };

/**
 * `commit-batch`: accepts a batch whose pieces have been written.
 *
 * @param places every queue and priority that its tasks may go to.
 * @returns whether all pieces were there. If not, nothing was accepted.
 */
export async function commitBatch(
  scripts: ScriptCaller,
  { id, pieces }: Pick<BatchLeft, 'id' | 'pieces'>,
  places: Iterable<readonly [queue: string, priority: number]>,
): Promise<boolean> {
  const args = [id, pieces, TAKE_OVER_MS, ...[...places].flat()];
  return (await scripts.call<number>('commit-batch', args)) === 1;
}

/** `move-piece`: enqueues the tasks of a piece, unless that is done already. */
export async function movePiece(
  scripts: ScriptCaller,
  batch: string,
  piece: number,
): Promise<PieceOutcome> {
  const [kind, ...details] = await scripts.call<(string | number)[]>('move-piece', [
    batch,
    piece,
    TAKE_OVER_MS,
  ]);
  if (kind === 'moved') return { kind, refused: details };
  if (kind === 'lost') return { kind, why: String(details[0]) };
  return { kind: 'unknown' };
}
