import { Redis } from 'ioredis';
import { clientCalls } from './client-calls.js';
import { readRedisStats, type RedisStats } from './redis-stats.js';

/** What a number of tasks took. */
export interface Reading {
  readonly tasksPerSecond: number;
  /** CPU time of the Redis server per task, in microseconds. */
  readonly redisCpuMicros: number;
  /** CPU time of the process that was measured per task, in microseconds. */
  readonly clientCpuMicros: number;
  /** Commands that Redis carried out per task, those inside scripts included. */
  readonly redisCommands: number;
  /** Commands that the process sent per task. */
  readonly clientCalls: number;
}

interface Mark {
  readonly atMs: number;
  readonly cpuMicros: number;
  readonly calls: number;
  /** Asked for at the same moment, on a connection of its own. */
  readonly redis: Promise<RedisStats>;
}

/** Measures a stretch of work of this process, and what it costs Redis. */
export class Meter {
  readonly #client: Redis;
  #start: Mark | undefined;
  #endMs: number | undefined;

  private constructor(client: Redis) {
    this.#client = client;
  }

  static async connect(url: string): Promise<Meter> {
    const client = new Redis(url);
    await client.ping();
    return new Meter(client);
  }

  /** The work begins now. */
  start(): void {
    this.#start = this.#mark();
  }

  /** The work is done now; what follows until {@link read} counts for costs, but not for the speed. */
  stop(): void {
    this.#endMs = performance.now();
  }

  /** @param tasks how many there were between {@link start} and {@link stop}. */
  async read(tasks: number): Promise<Reading> {
    const start = this.#start;
    if (!start || this.#endMs === undefined) throw new Error('Nothing was measured.');
    const end = this.#mark();
    const [before, after] = await Promise.all([start.redis, end.redis]);
    return {
      tasksPerSecond: (tasks / (this.#endMs - start.atMs)) * 1_000,
      redisCpuMicros: (after.cpuMicros - before.cpuMicros) / tasks,
      clientCpuMicros: (end.cpuMicros - start.cpuMicros) / tasks,
      redisCommands: (after.commands - before.commands) / tasks,
      clientCalls: (end.calls - start.calls) / tasks,
    };
  }

  close(): void {
    this.#client.disconnect();
  }

  #mark(): Mark {
    const { user, system } = process.cpuUsage();
    return {
      atMs: performance.now(),
      cpuMicros: user + system,
      calls: clientCalls(),
      redis: readRedisStats(this.#client),
    };
  }
}
