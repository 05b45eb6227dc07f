import type { Broker, DeathReason, TaskRecord } from '../broker/broker.js';
import { type Duration, parseDuration } from '../core/duration.js';
import { EnqueueOptionError } from '../core/errors.js';
import { requireCount, requireName } from '../core/task-options.js';
import { type DeadLetter, deadLetterOf } from './task-status.js';

/** What dead letters have in common. */
export interface DeadLetterFilter {
  /** Only those that died at or after this time. */
  readonly since?: Date;
  /** Only of tasks of this name. */
  readonly task?: string;
  /** Only those that gave up for this reason, such as `retries-exhausted`. */
  readonly reason?: DeathReason;
}

/** Which dead letters to list. */
export interface DeadLetterListOptions extends DeadLetterFilter {
  /** Default: all queues. */
  readonly queue?: string;
  /** At most this many. Default 100. */
  readonly limit?: number;
  /** Leaves out so many first. Default 0. */
  readonly offset?: number;
}

/** Which dead letters to act on: of a queue, oldest first, or by their ids. */
export interface DeadLetterSelection extends DeadLetterFilter {
  readonly queue?: string;
  readonly ids?: readonly string[];
  /** At most this many. Default: all of them. */
  readonly limit?: number;
  /** Told after each batch how many letters of how many were gone through. */
  readonly onProgress?: (progress: DeadLetterProgress) => void;
}

/** How far a replay or a purge has come. */
export interface DeadLetterProgress {
  readonly done: number;
  readonly total: number;
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
  readonly #onReplayed: (count: number, queue: string | undefined) => void;

  /** @param onReplayed told how many were started over, and of which queue if one was named. */
  constructor(
    broker: Broker,
    onReplayed: (count: number, queue: string | undefined) => void = () => undefined,
  ) {
    this.#broker = broker;
    this.#onReplayed = onReplayed;
  }

  /** Dead letters, newest first. */
  async list(options: DeadLetterListOptions = {}): Promise<DeadLetter[]> {
    const { limit = DEFAULT_LIST_LIMIT, offset = 0 } = options;
    const { queue, since, matches } = filterOf(options);
    requireCount(limit, 'limit');
    requireCount(offset, 'offset');
    if (!matches) {
      const records = await this.#broker.listDeadLetters({ queue, since, limit, offset });
      return records.map(deadLetterOf);
    }
    const found: TaskRecord[] = [];
    for (let from = 0; found.length < offset + limit; from += PAGE) {
      const page = await this.#broker.listDeadLetters({ queue, since, limit: PAGE, offset: from });
      found.push(...page.filter(matches));
      if (page.length === 0) break;
    }
    return found.slice(offset, offset + limit).map(deadLetterOf);
  }

  /** One dead letter; `undefined` when the id is of none. */
  async get(id: string): Promise<DeadLetter | undefined> {
    const record = await this.#broker.find(id);
    return record?.state === 'failed' ? deadLetterOf(record) : undefined;
  }

  /**
   * Starts dead letters over: their attempts begin again. They go in batches, and each for itself: what
   * was replayed before an error stays replayed.
   *
   * @throws {EnqueueOptionError} unless exactly one of `queue` and `ids` is given.
   */
  async replay(options: ReplayOptions): Promise<ReplayReport> {
    const { delay = 0, dryRun = false, onProgress } = options;
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
      const count = dead.filter(Boolean).length;
      if (!dryRun && count > 0) this.#onReplayed(count, options.queue);
      onProgress?.({ done: from + page.length, total: ids.length });
    }
    return { replayed, skipped, dryRun };
  }

  /**
   * Deletes dead letters for good, in batches. Returns how many there were.
   *
   * @throws {EnqueueOptionError} unless exactly one of `queue` and `ids` is given.
   */
  async purge(options: DeadLetterSelection): Promise<number> {
    const ids = await this.#select(options);
    let purged = 0;
    for (let from = 0; from < ids.length; from += PAGE) {
      const page = ids.slice(from, from + PAGE);
      purged += await this.#broker.discardDeadLetters(page);
      options.onProgress?.({ done: from + page.length, total: ids.length });
    }
    return purged;
  }

  /** The ids first, the deed afterwards: a task that dies again meanwhile is not met twice. */
  async #select(options: DeadLetterSelection): Promise<readonly string[]> {
    const { queue, ids, limit = Number.MAX_SAFE_INTEGER } = options;
    if ((queue === undefined) === (ids === undefined)) {
      throw new EnqueueOptionError(
        'Say which dead letters are meant: give either `queue` or `ids`.',
        { queue },
      );
    }
    requireCount(limit, 'limit', 0, Number.MAX_SAFE_INTEGER);
    const filter = filterOf(options);
    if (ids !== undefined) {
      const { since, matches = isDead } = filter;
      if (since === undefined && !filter.matches) return ids.slice(0, limit);
      const records = await Promise.all(ids.map((id) => this.#broker.find(id)));
      return records
        .filter((record) => record !== undefined)
        .filter((record) => matches(record) && (record.finishedAt ?? 0) >= (since ?? 0))
        .map(({ id }) => id)
        .slice(0, limit);
    }
    return this.#selectFrom(filter, limit);
  }

  /**
   * Pages by the time of death, not by place: the cost of a page is the same for the last as for the
   * first, and letters that disappear meanwhile move nothing out of sight.
   */
  async #selectFrom({ queue, since, matches }: ReadFilter, limit: number): Promise<string[]> {
    const seen = new Set<string>();
    const selected: string[] = [];
    let from = since;
    // Those that died in the very millisecond the page begins with and were seen already.
    let offset = 0;
    while (selected.length < limit) {
      const page = await this.#broker.listDeadLetters({
        queue,
        since: from,
        offset,
        limit: matches ? PAGE : Math.min(PAGE, limit - selected.length),
        oldestFirst: true,
      });
      const last = page.at(-1)?.finishedAt;
      if (last === undefined) break;
      for (const record of page) {
        if (seen.has(record.id) || selected.length >= limit) continue;
        seen.add(record.id);
        if (!matches || matches(record)) selected.push(record.id);
      }
      const together = page.filter(({ finishedAt }) => finishedAt === last).length;
      offset = last === from ? offset + page.length : together;
      from = last;
    }
    return selected;
  }
}

function isDead(record: TaskRecord | undefined): boolean {
  return record?.state === 'failed';
}

interface ReadFilter {
  readonly queue: string | undefined;
  readonly since: number | undefined;
  /** Absent when every letter does. */
  readonly matches: ((record: TaskRecord) => boolean) | undefined;
}

function filterOf(options: DeadLetterFilter & { readonly queue?: string }): ReadFilter {
  const { queue, since, task, reason } = options;
  if (since !== undefined && !(since instanceof Date && !Number.isNaN(since.getTime()))) {
    throw new EnqueueOptionError('`since` must be a valid Date.');
  }
  const matches = (record: TaskRecord): boolean =>
    isDead(record) &&
    (task === undefined || record.name === task) &&
    (reason === undefined || record.reason === reason);
  return {
    queue: queue === undefined ? undefined : requireName(queue, 'queue'),
    since: since?.getTime(),
    matches: task === undefined && reason === undefined ? undefined : matches,
  };
}
