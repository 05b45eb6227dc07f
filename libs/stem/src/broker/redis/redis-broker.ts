import { setTimeout as delay } from 'node:timers/promises';
import { nanoid } from 'nanoid';
import { StemClosedError } from '../../core/errors.js';
import type { TaskFailure } from '../../core/failure.js';
import type { TaskLogger } from '../../core/task-context.js';
import { MAX_PARTITIONS, newTaskId, partitionFor, partitionNamedBy } from '../../core/task-id.js';
import type {
  Broker,
  CancelOutcome,
  CancelRequest,
  Consumer,
  ConsumerOptions,
  DeadLetterQuery,
  EnqueueOutcome,
  NewTask,
  QueueStats,
  ReclaimOutcome,
  ReplayOutcome,
  TaskQuery,
  TaskRecord,
} from '../broker.js';
import { checkServer, RedisConnection } from './connection.js';
import type { RedisSource } from './client-factory.js';
import { EndWaiter } from './end-waiter.js';
import { cancelChannel, endedChannel, PartitionKeys } from './keys.js';
import { Partition } from './partition.js';
import { readCancelRequest, RedisConsumer } from './redis-consumer.js';
import { RedisMonitorStore } from './redis-monitor-store.js';
import { RedisControlBus } from './redis-control-bus.js';
import { RedisScheduleStore } from './redis-schedule-store.js';
import { reclaim, settleDue } from './scripts/maintenance.script.js';
import { pause, purge, queueStats } from './scripts/queue.script.js';
import { cancel, discard, replay } from './scripts/task.script.js';
import { ServerClock } from './server-clock.js';
import { Subscriber } from './subscriber.js';
import { TaskListing } from './task-listing.js';
import { WakeListener } from './wake-listener.js';

/** Options of a {@link RedisBroker}. */
export interface RedisBrokerOptions {
  /** Where the server is. A client that is given is not used itself; its options are copied. */
  readonly connection: RedisSource;
  /** Keeps applications on one server apart. */
  readonly namespace: string;
  /** How many partitions new tasks are spread over. Default 1. */
  readonly partitions?: number | undefined;
  /** A call without an answer for this long is rejected. Default 5 s. */
  readonly commandTimeoutMs?: number | undefined;
  /** Connecting at boot takes at most this long. Default 10 s. */
  readonly connectTimeoutMs?: number | undefined;
  /** `wait` keeps trying at boot. Default `fail`. */
  readonly onConnectFailure?: 'fail' | 'wait' | undefined;
  /** `recordBytes`: larger records are dead-lettered instead of handed out. Default 4 MiB. */
  readonly limits?: { readonly recordBytes: number } | undefined;
  /** How long expired and purged tasks are kept. Default 1 day. */
  readonly endedTtlMs?: number | undefined;
  readonly log?: TaskLogger | undefined;
}

const DEFAULT_RECORD_BYTES = 4 * 1024 * 1024;
const DEFAULT_ENDED_TTL_MS = 86_400_000;
/** Most tasks that one purging or settling call looks at. */
const MAINTENANCE_BUDGET = 200;

/**
 * Every so many calls of `reclaim`, beginning with the first, look for abandoned batches, too: each look is a
 * command more, and idle workers do little else.
 */
const RECLAIMS_PER_LOOK_FOR_BATCHES = 3;

/** How long a new consumer waits until it hears requests to stop. */
const SUBSCRIBE_MS = 1_000;

const DELIVERY_LIMIT: TaskFailure = {
  name: 'DeliveryLimitError',
  message:
    'Every worker that ran this task disappeared while it did: it may crash its process or block it ' +
    'for longer than the visibility timeout.',
};

/** Tasks on Redis Streams. How they are laid out is described in `scripts/include/keys.lua`. */
export class RedisBroker implements Broker {
  readonly schedules: RedisScheduleStore;
  readonly monitor: RedisMonitorStore;
  readonly control: RedisControlBus;
  readonly #options: RedisBrokerOptions;
  readonly #connection: RedisConnection;
  readonly #clock = new ServerClock();
  readonly #partitions: readonly Partition[];
  readonly #subscriber: Subscriber;
  readonly #ends: EndWaiter;
  readonly #consumers = new Set<RedisConsumer>();
  #connected: Promise<void> | undefined;
  #hearsCancels: Promise<void> | undefined;
  #nextPartition = 0;
  #reclaims = 0;

  constructor(options: RedisBrokerOptions) {
    this.#options = options;
    this.#connection = new RedisConnection({ ...options, source: options.connection });
    this.#partitions = Array.from(
      { length: options.partitions ?? 1 },
      (_, index) => new Partition(this.#connection, this.#clock, options.namespace, index),
    );
    this.schedules = new RedisScheduleStore({
      namespace: options.namespace,
      shared: { connection: this.#connection, clock: this.#clock },
    });
    this.monitor = new RedisMonitorStore({
      connection: this.#connection,
      clock: this.#clock,
      namespace: options.namespace,
      partitions: this.#partitions.length,
    });
    this.#subscriber = new Subscriber(this.#connection, () => this.#ends.recheckAll());
    this.control = new RedisControlBus(
      this.#connection,
      this.#subscriber,
      options.namespace,
      options.log,
    );
    this.#ends = new EndWaiter(
      endedChannel(options.namespace, nanoid(12)),
      this.#subscriber,
      (id) => this.#locate(id),
    );
  }

  get description(): string {
    return this.#connection.description;
  }

  connect(): Promise<void> {
    this.#connected ??= (async () => {
      await this.#connection.connect();
      await checkServer(this.#connection, this.#options.log);
    })();
    return this.#connected;
  }

  close(): Promise<void> {
    this.#ends.close(new StemClosedError(`The broker at ${this.description} was closed.`));
    this.#subscriber.close();
    void this.schedules.close();
    this.monitor.close();
    this.#connection.close();
    return Promise.resolve();
  }

  async countPartitions(): Promise<number> {
    const { namespace } = this.#options;
    const keys = Array.from({ length: MAX_PARTITIONS }, (_, index) => {
      return new PartitionKeys(namespace, index).queues;
    });
    const isUsed = await this.#connection.run('count partitions', async (client) => {
      // Nearly always there is one: a single command tells.
      if ((await client.exists(...keys.slice(1))) === 0) return [];
      return Promise.all(keys.map((key) => client.exists(key)));
    });
    return Math.max(1, isUsed.lastIndexOf(1) + 1);
  }

  now(): number {
    return this.#clock.now();
  }

  newTaskId(key?: string): string {
    const count = this.#partitions.length;
    if (count === 1) return newTaskId(0);
    return newTaskId(key === undefined ? this.#nextPartition++ % count : partitionFor(key, count));
  }

  enqueue(tasks: readonly NewTask[]): Promise<EnqueueOutcome[]> {
    if (tasks.length === 0) return Promise.resolve([]);
    if (this.#partitions.length === 1) return (this.#partitions[0] as Partition).enqueue(tasks);
    return this.#enqueueSpread(tasks);
  }

  async openConsumer(options: ConsumerOptions): Promise<Consumer> {
    this.#hearsCancels ??= this.#subscriber.subscribe(
      cancelChannel(this.#options.namespace),
      (message) => this.#onCancelRequest(message),
    );
    const markersOf = (queues: readonly string[]): string[] =>
      this.#partitions.flatMap(({ keys }) => queues.map((queue) => keys.wake(queue)));
    const consumer = new RedisConsumer(options, {
      partitions: this.#partitions,
      clock: this.#clock,
      wakeListener: new WakeListener(this.#connection, options.queues, markersOf),
      maxMessageBytes: this.#options.limits?.recordBytes ?? DEFAULT_RECORD_BYTES,
      expiredTtlMs: this.#endedTtlMs,
      newTaskId,
      onFault: (fault) => this.#options.log?.error(`A queue cannot be served: ${fault}`),
      onReconnected: (listener) => this.#connection.onReconnected(listener),
      onClosed: (closed) => this.#consumers.delete(closed),
    });
    await consumer.open();
    this.#consumers.add(consumer);
    // Not for ever: what is not heard is looked for.
    await Promise.race([this.#hearsCancels, delay(SUBSCRIBE_MS, undefined, { ref: false })]);
    return consumer;
  }

  async reclaim({ maxLosses }: { maxLosses: number }): Promise<ReclaimOutcome> {
    const consumers = new Set<string>();
    const deadLettered: string[] = [];
    let requeued = 0;
    const looksForBatches = this.#reclaims++ % RECLAIMS_PER_LOOK_FOR_BATCHES === 0;
    const request = { maxLosses, failure: DELIVERY_LIMIT, looksForBatches };
    for (const partition of this.#partitions) {
      for (;;) {
        const reclaimed = await reclaim(partition.scripts, request);
        if (!reclaimed) break;
        if (reclaimed.kind === 'batch') {
          await partition.finishBatch(reclaimed.batch, this.#options.log);
          continue;
        }
        consumers.add(reclaimed.consumer);
        requeued += reclaimed.requeued;
        deadLettered.push(...reclaimed.deadLettered);
      }
    }
    return { consumers: [...consumers], requeued, deadLettered };
  }

  async settleDue(queue: string): Promise<{ promoted: number; expired: number }> {
    const total = { promoted: 0, expired: 0 };
    for (const { scripts } of this.#partitions) {
      for (let more = true; more;) {
        const settled = await settleDue(scripts, {
          queue,
          budget: MAINTENANCE_BUDGET,
          expiredTtlMs: this.#endedTtlMs,
        });
        total.promoted += settled.promoted;
        total.expired += settled.expired;
        more = settled.more;
      }
    }
    return total;
  }

  async cancel(id: string, request: CancelRequest): Promise<CancelOutcome> {
    const partition = await this.#locate(id);
    if (!partition) return 'not-found';
    return cancel(partition.scripts, id, request, cancelChannel(this.#options.namespace));
  }

  async find(id: string): Promise<TaskRecord | undefined> {
    for (const partition of this.#candidates(id)) {
      const record = await partition.find(id);
      if (record) return record;
    }
    return undefined;
  }

  listTasks(query: TaskQuery): Promise<TaskRecord[]> {
    return new TaskListing(this.#connection, this.#partitions).list(query);
  }

  waitForEnd(id: string, timeoutMs: number): Promise<TaskRecord | undefined> {
    return this.#ends.wait(id, timeoutMs);
  }

  async listQueues(): Promise<QueueStats[]> {
    const names = new Set<string>();
    for (const { keys } of this.#partitions) {
      const found = await this.#connection.run('list queues', (client) =>
        client.smembers(keys.queues),
      );
      for (const name of found) names.add(name);
    }
    return Promise.all([...names].sort().map((name) => this.queueStats(name)));
  }

  async queueStats(queue: string): Promise<QueueStats> {
    const counts = await Promise.all(
      this.#partitions.map(async ({ scripts }) => (await queueStats(scripts, [queue]))[0]),
    );
    const sum = (
      field:
        'queued' | 'scheduled' | 'running' | 'deadLetters' | 'succeeded' | 'failed' | 'retried',
    ) => counts.reduce((total, part) => total + (part?.[field] ?? 0), 0);
    return {
      name: queue,
      paused: counts.some((part) => part?.paused),
      queued: sum('queued'),
      scheduled: sum('scheduled'),
      running: sum('running'),
      deadLetters: sum('deadLetters'),
      succeeded: sum('succeeded'),
      failed: sum('failed'),
      retried: sum('retried'),
      oldestReadyAt: leastOf(counts.map((part) => part?.oldestReadyAt)),
    };
  }

  async pauseQueue(queue: string): Promise<void> {
    await Promise.all(this.#partitions.map(({ scripts }) => pause(scripts, queue, true)));
  }

  async resumeQueue(queue: string): Promise<void> {
    await Promise.all(this.#partitions.map(({ scripts }) => pause(scripts, queue, false)));
  }

  async purgeQueue(queue: string): Promise<number> {
    let purged = 0;
    for (const { scripts } of this.#partitions) {
      for (let more = true; more;) {
        const { settled, more: left } = await purge(scripts, {
          queue,
          budget: MAINTENANCE_BUDGET,
          ttlMs: this.#endedTtlMs,
        });
        purged += settled;
        more = left;
      }
    }
    return purged;
  }

  async listDeadLetters(query: DeadLetterQuery): Promise<TaskRecord[]> {
    const { limit, offset = 0, oldestFirst = false } = query;
    const queues =
      query.queue === undefined ? (await this.listQueues()).map(({ name }) => name) : [query.queue];
    const places = this.#partitions.flatMap((partition) =>
      queues.map((queue) => ({ partition, queue })),
    );
    // Only a single list can be entered in the middle; several have to be merged from their start.
    const skipped = places.length === 1 ? offset : 0;
    const count = offset + limit - skipped;
    const found = await Promise.all(
      places.map(({ partition, queue }) => this.#deadIn(partition, queue, query, skipped, count)),
    );
    const direction = oldestFirst ? 1 : -1;
    const page = found
      .flat()
      .sort((a, b) => direction * (a.diedAt - b.diedAt || (a.id < b.id ? -1 : 1)))
      .slice(offset - skipped, offset - skipped + limit);
    const records = await Promise.all(page.map(({ id, partition }) => partition.find(id)));
    return records.filter((record) => record !== undefined);
  }

  async replay(ids: readonly string[], { delayMs }: { delayMs: number }): Promise<ReplayOutcome[]> {
    const outcomes = new Array<ReplayOutcome>(ids.length).fill('not-dead');
    await this.#byPartition(ids, async (partition, indexes) => {
      const replies = await replay(
        partition.scripts,
        indexes.map((index) => ids[index] as string),
        delayMs,
      );
      replies.forEach((reply, i) => (outcomes[indexes[i] as number] = reply));
    });
    return outcomes;
  }

  async discardDeadLetters(ids: readonly string[]): Promise<number> {
    let discarded = 0;
    await this.#byPartition(ids, async (partition, indexes) => {
      discarded += await discard(
        partition.scripts,
        indexes.map((index) => ids[index] as string),
      );
    });
    return discarded;
  }

  get #endedTtlMs(): number {
    return this.#options.endedTtlMs ?? DEFAULT_ENDED_TTL_MS;
  }

  /**
   * Partitions that may know a task, likeliest first. A generated id names its own. One given by a user
   * is placed by its hash, and looked for where it was placed when there were fewer partitions.
   */
  #candidates(id: string): Partition[] {
    const count = this.#partitions.length;
    const named = partitionNamedBy(id);
    if (named !== undefined && named < count) return [this.#partitions[named] as Partition];
    const indexes = new Set<number>();
    for (let earlier = count; earlier >= 1; earlier--) indexes.add(partitionFor(id, earlier));
    return [...indexes].map((index) => this.#partitions[index] as Partition);
  }

  async #locate(id: string): Promise<Partition | undefined> {
    const candidates = this.#candidates(id);
    if (candidates.length === 1) return candidates[0];
    for (const partition of candidates) {
      if (await partition.find(id)) return partition;
    }
    return undefined;
  }

  async #enqueueSpread(tasks: readonly NewTask[]): Promise<EnqueueOutcome[]> {
    const outcomes = new Array<EnqueueOutcome>(tasks.length);
    const places = new Map<Partition, number[]>();
    await Promise.all(
      tasks.map(async ({ id }, index) => {
        const candidates = this.#candidates(id);
        // An id given by a user may be taken in a partition where it was placed earlier.
        const place = (candidates.length > 1 && (await this.#locate(id))) || candidates[0];
        const indexes = places.get(place as Partition);
        if (indexes) indexes.push(index);
        else places.set(place as Partition, [index]);
      }),
    );
    await Promise.all(
      [...places].map(async ([partition, indexes]) => {
        indexes.sort((a, b) => a - b);
        const replies = await partition.enqueue(indexes.map((index) => tasks[index] as NewTask));
        replies.forEach((reply, i) => (outcomes[indexes[i] as number] = reply));
      }),
    );
    return outcomes;
  }

  async #byPartition(
    ids: readonly string[],
    act: (partition: Partition, indexes: number[]) => Promise<void>,
  ): Promise<void> {
    const places = new Map<Partition, number[]>();
    for (const [index, id] of ids.entries()) {
      const partition = await this.#locate(id);
      if (!partition) continue;
      const indexes = places.get(partition);
      if (indexes) indexes.push(index);
      else places.set(partition, [index]);
    }
    for (const [partition, indexes] of places) {
      for (let from = 0; from < indexes.length; from += MAINTENANCE_BUDGET) {
        await act(partition, indexes.slice(from, from + MAINTENANCE_BUDGET));
      }
    }
  }

  async #deadIn(
    partition: Partition,
    queue: string,
    query: DeadLetterQuery,
    offset: number,
    count: number,
  ): Promise<{ id: string; diedAt: number; partition: Partition }[]> {
    const key = partition.keys.deadLetters(queue);
    const since = query.since ?? '-inf';
    const rows = await this.#connection.run('list dead letters', (client) =>
      query.oldestFirst
        ? client.zrangebyscore(key, since, '+inf', 'WITHSCORES', 'LIMIT', offset, count)
        : client.zrevrangebyscore(key, '+inf', since, 'WITHSCORES', 'LIMIT', offset, count),
    );
    const found = [];
    for (let i = 0; i < rows.length; i += 2) {
      found.push({ id: rows[i] as string, diedAt: Number(rows[i + 1]), partition });
    }
    return found;
  }

  #onCancelRequest(message: string): void {
    const request = readCancelRequest(message);
    if (!request) return;
    const { id, reason, terminate, ttlMs } = request;
    for (const consumer of this.#consumers) {
      consumer.hearCancelRequest(id, { reason, terminate, ttlMs });
    }
  }
}

function leastOf(times: readonly (number | undefined)[]): number | undefined {
  const known = times.filter((time) => time !== undefined);
  return known.length > 0 ? Math.min(...known) : undefined;
}
