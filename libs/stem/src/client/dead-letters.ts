import type { Broker, TaskRecord } from '../broker/broker.js';
import { type Duration, parseDuration } from '../core/duration.js';
import { EnqueueOptionError } from '../core/errors.js';
import { requireCount, requireName } from '../core/task-options.js';
import { type DeadLetter, deadLetterOf } from './task-status.js';

/** Which dead letters to list. */
export interface DeadLetterListOptions {
  /** Default: all queues. */
  readonly queue?: string;
  /** At most this many. Default 100. */
  readonly limit?: number;
  /** Leaves out so many first. Default 0. */
  readonly offset?: number;
  /** Only those that died at or after this time. */
  readonly since?: Date;
}

/** Which dead letters to act on: of a queue, oldest first, or by their ids. */
export interface DeadLetterSelection {
  readonly queue?: string;
  readonly ids?: readonly string[];
  /** At most this many. Default: all of them. */
  readonly limit?: number;
  /** Only those that died at or after this time. */
  readonly since?: Date;
}

/** Which dead letters to start over, and how. */
export interface ReplayOptions extends DeadLetterSelection {
  /** Run them this long from now. Default: at once. */
  readonly delay?: Duration;
  /** Only says which it would be. Default false. */
  readonly dryRun?: boolean;
}

/** What {@link DeadLetters.replay} did. */
export interface ReplayReport {
  /** Ids of the tasks that were started over, or would be, in their order. */
  readonly replayed: readonly string[];
  /** Ids that are not, or not any more, of a dead letter. */
  readonly skipped: readonly string[];
  readonly dryRun: boolean;
}

const DEFAULT_LIST_LIMIT = 100;
/** Letters asked for or acted on in one call to the broker. */
const PAGE = 500;

/** Looks at tasks that gave up, and starts them over: `stem.deadLetters`. */
export class DeadLetters {
  readonly #broker: Broker;

  constructor(broker: Broker) {
    this.#broker = broker;
  }

  /** Dead letters, newest first. */
  async list(options: DeadLetterListOptions = {}): Promise<DeadLetter[]> {
    const { limit = DEFAULT_LIST_LIMIT, offset = 0 } = options;
    const records = await this.#broker.listDeadLetters({
      ...filterOf(options),
      limit: requireCount(limit, 'limit'),
      offset: requireCount(offset, 'offset'),
    });
    return records.map(deadLetterOf);
  }

  /** One dead letter; `undefined` when the id is of none. */
  async get(id: string): Promise<DeadLetter | undefined> {
    const record = await this.#broker.find(id);
    return record?.state === 'failed' ? deadLetterOf(record) : undefined;
  }

  /**
   * Starts dead letters over: their attempts begin again.
   *
   * @throws {EnqueueOptionError} unless exactly one of `queue` and `ids` is given.
   */
  async replay(options: ReplayOptions): Promise<ReplayReport> {
    const { delay = 0, dryRun = false } = options;
    const delayMs = parseDuration(delay, 'delay');
    const ids = await this.#select(options);
    const replayed: string[] = [];
    const skipped: string[] = [];
    for (let from = 0; from < ids.length; from += PAGE) {
      const page = ids.slice(from, from + PAGE);
      const dead = dryRun
        ? (await Promise.all(page.map((id) => this.#broker.find(id)))).map(isDead)
        : (await this.#broker.replay(page, { delayMs })).map((outcome) => outcome === 'replayed');
      page.forEach((id, index) => (dead[index] ? replayed : skipped).push(id));
    }
    return { replayed, skipped, dryRun };
  }

  /**
   * Deletes dead letters for good. Returns how many there were.
   *
   * @throws {EnqueueOptionError} unless exactly one of `queue` and `ids` is given.
   */
  async purge(options: DeadLetterSelection): Promise<number> {
    const ids = await this.#select(options);
    let purged = 0;
    for (let from = 0; from < ids.length; from += PAGE) {
      purged += await this.#broker.discardDeadLetters(ids.slice(from, from + PAGE));
    }
    return purged;
  }

  /** The ids first, the deed afterwards: a task that dies again meanwhile is not met twice. */
  async #select(options: DeadLetterSelection): Promise<readonly string[]> {
    const { queue, ids, since, limit = Number.MAX_SAFE_INTEGER } = options;
    if ((queue === undefined) === (ids === undefined)) {
      throw new EnqueueOptionError(
        'Say which dead letters are meant: give either `queue` or `ids`.',
        { queue },
      );
    }
    requireCount(limit, 'limit', 0, Number.MAX_SAFE_INTEGER);
    const filter = filterOf(options);
    if (ids !== undefined) {
      const chosen = since === undefined ? ids : await this.#diedSince(ids, since);
      return chosen.slice(0, limit);
    }
    const selected: string[] = [];
    while (selected.length < limit) {
      const wanted = Math.min(PAGE, limit - selected.length);
      const records = await this.#broker.listDeadLetters({
        ...filter,
        limit: wanted,
        offset: selected.length,
        oldestFirst: true,
      });
      for (const { id } of records) selected.push(id);
      if (records.length < wanted) break;
    }
    return selected;
  }

  async #diedSince(ids: readonly string[], since: Date): Promise<string[]> {
    const records = await Promise.all(ids.map((id) => this.#broker.find(id)));
    return ids.filter((_, index) => (records[index]?.finishedAt ?? 0) >= since.getTime());
  }
}

function isDead(record: TaskRecord | undefined): boolean {
  return record?.state === 'failed';
}

function filterOf({ queue, since }: { readonly queue?: string; readonly since?: Date }): {
  queue: string | undefined;
  since: number | undefined;
} {
  if (since !== undefined && !(since instanceof Date && !Number.isNaN(since.getTime()))) {
    throw new EnqueueOptionError('`since` must be a valid Date.');
  }
  return {
    queue: queue === undefined ? undefined : requireName(queue, 'queue'),
    since: since?.getTime(),
  };
}
