import { nanoid } from 'nanoid';
import {
  BrokerCommandError,
  BrokerTimeoutError,
  BrokerUnavailableError,
} from '../../core/errors.js';
import type { TaskLogger } from '../../core/task-context.js';
import type { EnqueueOutcome, NewTask } from '../broker.js';
import { cutIntoPieces } from './batch-limits.js';
import type { RedisConnection } from './connection.js';
import type { PartitionKeys } from './keys.js';
import { type BatchLeft, commitBatch, movePiece } from './scripts/batch.script.js';
import { decodeOutcomes, encodeRuns } from './scripts/enqueue.script.js';
import type { ScriptCaller } from './scripts/script-caller.js';

/** How long (ms) pieces are kept whose batch has not been accepted. */
const PIECE_TTL_MS = 60_000;

/**
 * Accepts batches that are too large for one script call, all or none of their tasks all the same: pieces are
 * written where nobody looks, one small script accepts them, and each is then moved to its queues by a call of
 * its own. Who is killed before the middle step leaves nothing but keys that expire; what is left after it,
 * workers move ({@link finish}). Why it is so: `docs/decisions/0005-large-batches-are-staged.md`.
 */
export class StagedBatches {
  readonly #connection: RedisConnection;
  readonly #keys: PartitionKeys;
  readonly #scripts: ScriptCaller;

  constructor(connection: RedisConnection, keys: PartitionKeys, scripts: ScriptCaller) {
    this.#connection = connection;
    this.#keys = keys;
    this.#scripts = scripts;
  }

  /**
   * Accepts tasks and moves them to their queues.
   *
   * @throws {BrokerCommandError} when Redis refuses, or has lost pieces. The message says whether the batch
   *   was accepted.
   * @throws {BrokerTimeoutError} when it is not known what became of some of the tasks.
   */
  async enqueue(tasks: readonly NewTask[]): Promise<EnqueueOutcome[]> {
    const id = nanoid();
    const startedAtMs = performance.now();
    const pieces = cutIntoPieces(tasks);
    // All at once: no other call waits for more than one of them, since each is a command of its own.
    await Promise.all(pieces.map((piece, index) => this.#write(id, index + 1, encodePiece(piece))));
    if (!(await commitBatch(this.#scripts, { id, pieces: pieces.length }, placesOf(tasks)))) {
      throw this.#incomplete(tasks.length, performance.now() - startedAtMs);
    }
    try {
      return await this.#moveAll(id, pieces);
    } catch (error) {
      throw afterCommit(error);
    }
  }

  /**
   * Moves what is left of a batch whose client is gone. Pieces that are lost and refusals of Redis are logged:
   * there is nobody else to be told.
   */
  async finish({ id, next, pieces }: BatchLeft, log?: TaskLogger): Promise<void> {
    const from = `at ${this.#connection.description}`;
    if (pieces === 0) {
      log?.error(`What was left of the accepted batch ${id} ${from} is gone: was it evicted?`);
      return;
    }
    log?.warn(
      `Enqueueing what is left of the batch ${id} ${from}, whose client is gone or slow: piece ` +
        `${next} to ${pieces}.`,
    );
    try {
      for (let piece = next; piece <= pieces; piece++) {
        const outcome = await movePiece(this.#scripts, id, piece);
        if (outcome.kind !== 'lost') continue;
        log?.error(
          `Tasks of the accepted batch ${id} ${from} are lost: of piece ${piece} of ${pieces} ` +
            `${outcome.why}. The others are enqueued.`,
        );
      }
    } catch (error) {
      if (!(error instanceof BrokerCommandError)) throw error;
      log?.error(`Tasks of the accepted batch ${id} wait until Redis takes them: ${error.message}`);
    }
  }

  #incomplete(count: number, afterMs: number): Error {
    if (afterMs < PIECE_TTL_MS) {
      return new BrokerCommandError(
        `A batch of ${count} tasks was not accepted: ${this.#connection.description} has lost some of it ` +
          `before all of it was there. Check that nothing evicts or deletes keys.`,
      );
    }
    // An earlier try of the commit may have succeeded, whose answer was lost, and all be done and forgotten.
    return new BrokerTimeoutError(
      `A batch of ${count} tasks could not be sent to ${this.#connection.description} within ` +
        `${PIECE_TTL_MS} ms; whether it was accepted is unknown.`,
    );
  }

  /** Not over one that is there: this may be a repetition that was held up on its way, and come late. */
  #write(batch: string, piece: number, text: Buffer): Promise<unknown> {
    return this.#connection.run('write a piece of a batch', (client) =>
      client.set(this.#keys.piece(batch, piece), text, 'PX', PIECE_TTL_MS, 'NX'),
    );
  }

  /** One after the other: Redis would carry out calls that come together without a look at anybody else. */
  async #moveAll(id: string, pieces: readonly NewTask[][]): Promise<EnqueueOutcome[]> {
    const outcomes: EnqueueOutcome[] = [];
    const losses: string[] = [];
    let before = 0;
    for (const [index, tasks] of pieces.entries()) {
      const outcome = await movePiece(this.#scripts, id, index + 1);
      if (outcome.kind === 'unknown') {
        throw new BrokerTimeoutError(
          `${this.#connection.description} does not know what became of tasks ${before + 1} to ` +
            `${before + tasks.length} of a batch, which was under way for too long or is lost.`,
        );
      }
      if (outcome.kind === 'lost')
        losses.push(`${before + 1} to ${before + tasks.length} (${outcome.why})`);
      else outcomes.push(...decodeOutcomes(tasks, outcome.refused));
      before += tasks.length;
    }
    if (losses.length > 0) {
      throw new BrokerCommandError(
        `${this.#connection.description} has lost tasks of a batch of ${before}, the first of which ` +
          `is number 1: ${losses.join(', ')}. The others are enqueued.`,
      );
    }
    return outcomes;
  }
}

/** A piece as `include/piece.lua` takes it apart. */
function encodePiece(tasks: readonly NewTask[]): Buffer {
  const texts = encodeRuns(tasks).map((text) => Buffer.from(String(text)));
  const lengths = texts.map(({ length }) => length).join(' ');
  return Buffer.concat([Buffer.from(`${lengths}\n`), ...texts]);
}

function placesOf(tasks: readonly NewTask[]): Iterable<readonly [string, number]> {
  const places = new Map<string, readonly [string, number]>();
  for (const { queue, priority } of tasks) places.set(`${priority}:${queue}`, [queue, priority]);
  return places.values();
}

/** What an error of a move means for the whole: never that the batch was not accepted. */
function afterCommit(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const message = `${error.message} The batch was accepted before: workers enqueue what is left of it.`;
  if (error instanceof BrokerCommandError) return new BrokerCommandError(message, { cause: error });
  if (error instanceof BrokerTimeoutError || error instanceof BrokerUnavailableError) {
    return new BrokerTimeoutError(message, { cause: error });
  }
  return error;
}
