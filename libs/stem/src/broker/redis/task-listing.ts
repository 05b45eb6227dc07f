import type { TaskState } from '../../core/task-state.js';
import { LISTING_BUDGET, type TaskQuery, type TaskRecord } from '../broker.js';
import type { RedisConnection } from './connection.js';
import type { Partition } from './partition.js';
import {
  type ListedPage,
  type ListedTask,
  listEnded,
  listReady,
  listSorted,
} from './scripts/list.script.js';

/** Most tasks that one script call looks at. */
const PAGE = 500;
/** Most keys of the server, of whatever kind, that one call for ended tasks walks over. */
const SCAN_PAGE = 1_000;
/** Most such calls; with other things than tasks in the same Redis, they may find nothing at all. */
const SCAN_CALLS = 200;

/** Fetches one page, from where the last one ended. */
type Turn = (from: string | undefined, count: number) => Promise<ListedPage>;

interface Found extends ListedTask {
  readonly partition: Partition;
}

/**
 * Lists tasks for people: from every place where tasks that match may be, the latest ones, until there
 * are enough or the budget is spent.
 */
export class TaskListing {
  readonly #connection: RedisConnection;
  readonly #partitions: readonly Partition[];

  constructor(connection: RedisConnection, partitions: readonly Partition[]) {
    this.#connection = connection;
    this.#partitions = partitions;
  }

  /** See `Broker.listTasks`. */
  async list(query: TaskQuery): Promise<TaskRecord[]> {
    const { limit, offset = 0 } = query;
    const collector = new Collector(offset + limit);
    if (limit > 0)
      for (const partition of this.#partitions) await this.#collect(partition, query, collector);
    const page = collector.latest().slice(offset, offset + limit);
    const records = await Promise.all(page.map(({ id, partition }) => partition.find(id)));
    // Tasks do not stand still while they are listed.
    return records.filter(
      (record) => record !== undefined && matches(record, query),
    ) as TaskRecord[];
  }

  async #collect(partition: Partition, query: TaskQuery, collector: Collector): Promise<void> {
    const { state, name } = query;
    const { scripts } = partition;
    const wants = (...states: TaskState[]): boolean =>
      state === undefined || states.includes(state);
    const waits = wants('queued', 'running', 'scheduled', 'retrying', 'failed');
    for (const queue of waits ? await this.#queues(partition, query.queue) : []) {
      if (wants('queued', 'running')) {
        const only = state as 'queued' | 'running' | undefined;
        for (const priority of await this.#priorities(partition, queue)) {
          await collector.walk(partition, { isOrdered: only !== 'running' }, (from, count) =>
            listReady(scripts, { queue, priority, state: only, name, from, count }),
          );
        }
      }
      if (wants('scheduled', 'retrying')) {
        const letters = state === undefined ? 'sr' : LETTERS[state];
        await collector.walk(partition, { isOrdered: true }, (from, count) =>
          listSorted(scripts, { set: 'delayed', queue, letters, name, from, count }),
        );
      }
      if (wants('failed')) {
        await collector.walk(partition, { isOrdered: true }, (from, count) =>
          listSorted(scripts, { set: 'dead', queue, letters: 'F', name, from, count }),
        );
      }
    }
    if (wants('succeeded', 'cancelled', 'expired')) {
      const letters = state === undefined ? 'SCE' : LETTERS[state];
      const { queue } = query;
      const options = {
        isOrdered: false,
        maxCalls: Math.ceil(SCAN_CALLS / this.#partitions.length),
      };
      await collector.walk(partition, options, (from) =>
        listEnded(scripts, { letters, queue, name, from, count: SCAN_PAGE }),
      );
    }
  }

  #queues({ keys }: Partition, queue: string | undefined): Promise<readonly string[]> {
    if (queue !== undefined) return Promise.resolve([queue]);
    return this.#connection.run('list queues', (client) => client.smembers(keys.queues));
  }

  /** The priorities of which a queue has ever had a task. */
  async #priorities({ keys }: Partition, queue: string): Promise<string[]> {
    const fields = await this.#connection.run('list priorities', (client) =>
      client.hkeys(keys.meta(queue)),
    );
    return fields.filter((field) => /^p\d$/.test(field)).map((field) => field.slice(1));
  }
}

const LETTERS: Readonly<Record<TaskState, string>> = {
  queued: 'q',
  running: 'q',
  scheduled: 's',
  retrying: 'r',
  succeeded: 'S',
  failed: 'F',
  cancelled: 'C',
  expired: 'E',
};

function matches(record: TaskRecord, { state, queue, name }: TaskQuery): boolean {
  return (
    (state === undefined || record.state === state) &&
    (queue === undefined || record.queue === queue) &&
    (name === undefined || record.name === name)
  );
}

/** Keeps what was found, and how much may still be looked at. */
class Collector {
  readonly #wanted: number;
  #budget = LISTING_BUDGET;
  /** By id: a task that moves on while it is listed may be met twice. */
  readonly #found = new Map<string, Found>();

  constructor(wanted: number) {
    this.#wanted = wanted;
  }

  /** Turns pages until there are as many as wanted, if they come the latest first, or no more. */
  async walk(
    partition: Partition,
    { isOrdered, maxCalls = Infinity }: { isOrdered: boolean; maxCalls?: number },
    turn: Turn,
  ): Promise<void> {
    let from: string | undefined;
    let matched = 0;
    for (let calls = 0; calls < maxCalls && this.#budget > 0; calls++) {
      const page = await turn(from, Math.min(PAGE, this.#budget));
      this.#budget -= page.looked;
      matched += page.found.length;
      for (const task of page.found) this.#found.set(task.id, { ...task, partition });
      from = page.next;
      if (from === undefined || (isOrdered && matched >= this.#wanted)) return;
    }
  }

  latest(): Found[] {
    return [...this.#found.values()].sort((a, b) => b.at - a.at || (a.id < b.id ? 1 : -1));
  }
}
