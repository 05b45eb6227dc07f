import { partitionNamedBy } from '../../core/task-id.js';
import type {
  DueSchedules,
  ScheduleChange,
  ScheduleRecord,
  ScheduleStore,
  SettledTick,
  Tick,
  TickFault,
  TickOutcome,
} from '../schedule-store.js';
import type { RedisSource } from './client-factory.js';
import { checkServer, type ConnectionOptions, RedisConnection } from './connection.js';
import { PartitionKeys } from './keys.js';
import {
  dueSchedules,
  faultTick,
  findSchedules,
  fireTicks,
  noteTask,
  putSchedule,
  removeSchedule,
  settleTicks,
} from './scripts/schedule.script.js';
import { ScriptCaller } from './scripts/script-caller.js';
import type { ServerClock } from './server-clock.js';
import { Subscriber } from './subscriber.js';

/** All schedules live in one partition, however many the queues have: what is due is one sorted set. */
const PARTITION = 0;

/** The most ticks that one script call carries out; some milliseconds for Redis. */
const TICKS_PER_CALL = 100;

/** What a store of schedules uses of a broker, when it lives in the broker's own partition. */
export interface SharedRedis {
  readonly connection: RedisConnection;
  readonly clock: ServerClock;
}

/** Options of a {@link RedisScheduleStore} on a connection of its own. */
export interface RedisScheduleStoreOptions extends Omit<ConnectionOptions, 'source'> {
  readonly connection: RedisSource;
  /** Keeps applications on one server apart. */
  readonly namespace: string;
}

/** Schedules on Redis. How they are laid out is described in `scripts/include/schedule.lua`. */
export class RedisScheduleStore implements ScheduleStore {
  readonly #connection: RedisConnection;
  readonly #log: ConnectionOptions['log'];
  readonly #keys: PartitionKeys;
  readonly #scripts: ScriptCaller;
  readonly #clock: ServerClock | undefined;
  readonly #isShared: boolean;
  readonly #subscriber: Subscriber;
  readonly #listeners = new Set<() => void>();
  #connected: Promise<void> | undefined;
  #subscribed: Promise<void> | undefined;

  /** @param shared the connection of a broker, which then connects and closes it. */
  constructor(options: RedisScheduleStoreOptions | { namespace: string; shared: SharedRedis }) {
    this.#isShared = 'shared' in options;
    this.#connection =
      'shared' in options
        ? options.shared.connection
        : new RedisConnection({ ...options, source: options.connection });
    this.#log = 'shared' in options ? undefined : options.log;
    this.#clock = 'shared' in options ? options.shared.clock : undefined;
    this.#keys = new PartitionKeys(options.namespace, PARTITION);
    this.#scripts = new ScriptCaller(this.#connection, this.#keys.prefix);
    // Whatever was said while nobody listened has to be found by looking.
    this.#subscriber = new Subscriber(this.#connection, () => this.#tell());
  }

  get description(): string {
    return this.#connection.description;
  }

  connect(): Promise<void> {
    if (this.#isShared) return Promise.resolve();
    this.#connected ??= (async () => {
      await this.#connection.connect();
      await checkServer(this.#connection, this.#log);
    })();
    return this.#connected;
  }

  close(): Promise<void> {
    this.#listeners.clear();
    this.#subscriber.close();
    if (!this.#isShared) this.#connection.close();
    return Promise.resolve();
  }

  async now(): Promise<number> {
    return (await findSchedules(this.#scripts, { ids: [] })).now;
  }

  holdsTask(id: string): boolean {
    return this.#isShared && partitionNamedBy(id) === PARTITION;
  }

  put(change: ScheduleChange): Promise<'stored' | 'conflict'> {
    return putSchedule(this.#scripts, change);
  }

  remove(id: string, version?: number): Promise<boolean> {
    return removeSchedule(this.#scripts, id, version);
  }

  async find(id: string): Promise<ScheduleRecord | undefined> {
    const { records } = await findSchedules(this.#scripts, { ids: [id] });
    return records[0];
  }

  async list(page: { after?: string | undefined; limit: number }): Promise<ScheduleRecord[]> {
    const { after, limit } = page;
    return (await findSchedules(this.#scripts, { after, limit })).records;
  }

  async due(page: { offset: number; limit: number }): Promise<DueSchedules> {
    const due = await dueSchedules(this.#scripts, page);
    this.#clock?.heard(due.now);
    return due;
  }

  async fire(ticks: readonly Tick[]): Promise<TickOutcome[]> {
    const outcomes: TickOutcome[] = [];
    for (let from = 0; from < ticks.length; from += TICKS_PER_CALL) {
      const some = ticks.slice(from, from + TICKS_PER_CALL);
      outcomes.push(...(await fireTicks(this.#scripts, some, (id) => this.holdsTask(id))));
    }
    return outcomes;
  }

  async settle(settled: readonly SettledTick[]): Promise<void> {
    for (let from = 0; from < settled.length; from += TICKS_PER_CALL) {
      await settleTicks(this.#scripts, settled.slice(from, from + TICKS_PER_CALL));
    }
  }

  fault(fault: TickFault): Promise<'noted' | 'moved'> {
    return faultTick(this.#scripts, fault);
  }

  noteTask(id: string, taskId: string): Promise<void> {
    return noteTask(this.#scripts, id, taskId);
  }

  async watch(listener: () => void): Promise<() => void> {
    // A watcher of its own, even when one function watches twice.
    const watcher = (): void => listener();
    this.#listeners.add(watcher);
    this.#subscribed ??= this.#subscriber.subscribe(this.#keys.schedulesChannel, () =>
      this.#tell(),
    );
    await this.#subscribed;
    return () => void this.#listeners.delete(watcher);
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}
