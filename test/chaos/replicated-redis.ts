import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { type RedisPair, startRedisPair } from '../support/redis-sentinel.js';
import type { RedisServer } from '../support/redis-server.js';
import { type ChaosRedis, type Outage, RECONNECT_MS, type RedisFault } from './chaos-redis.js';
import type { MemoryLoss } from './checker.js';
import { connectionTo } from './connection.js';
import {
  forgottenBetween,
  lengthInCommon,
  parseAppendOnlyFile,
  readAppendOnlyFiles,
  since,
  type Transaction,
} from './history.js';
import { monotonicMs } from './ledger.js';

/** The most that a lagging replica is behind. */
const LAG_MS = 800;

/**
 * A master and a replica behind Sentinel. The file of a server begins anew when it becomes a replica, so
 * the history is put together: what each master did from one mark, which both have in their files, to
 * the next.
 */
export class ReplicatedRedis implements ChaosRedis {
  readonly client: Redis;
  readonly outages: Outage[] = [];
  readonly losses: MemoryLoss[] = [];
  readonly #pair: RedisPair;
  /** Up to the last mark. */
  readonly #past: Transaction[] = [];
  #marks = 0;

  static async start(): Promise<ReplicatedRedis> {
    const pair = await startRedisPair([
      // Always, so that nothing is with the replica that is not in the master's file.
      ...['--appendonly', 'yes', '--appendfsync', 'always'],
      ...['--auto-aof-rewrite-percentage', '0', '--enable-debug-command', 'yes'],
    ]);
    const redis = new ReplicatedRedis(pair);
    await redis.#mark();
    return redis;
  }

  private constructor(pair: RedisPair) {
    this.#pair = pair;
    const connection = connectionTo(pair.url);
    this.client = new Redis({
      ...('options' in connection ? connection.options : {}),
      retryStrategy: () => 20,
      maxRetriesPerRequest: null,
      sentinelCommandTimeout: 500,
      replyMapping: 'legacy',
    });
    this.client.on('error', () => undefined);
  }

  get url(): string {
    return this.#pair.url;
  }

  async strike(fault: RedisFault, severity: number): Promise<void> {
    switch (fault) {
      case 'fail over':
        return this.#failOver(0);
      case 'fail over, with a replica that lags':
        return this.#failOver(100 + severity * (LAG_MS - 100));
      default:
        throw new Error(`A pair behind Sentinel is not made to ${fault}`);
    }
  }

  history(): Transaction[] {
    return [...this.#past, ...this.#sinceMark(this.#pair.master)];
  }

  async stop(): Promise<void> {
    this.client.disconnect();
    await this.#pair.stop();
  }

  async #failOver(lagMs: number): Promise<void> {
    let keptUntilMs = monotonicMs();
    if (lagMs > 0) {
      await this.#pair.holdReplication();
      await delay(lagMs);
    }
    const killed = this.#pair.master;
    const fromMs = monotonicMs();
    if (lagMs === 0) keptUntilMs = fromMs;
    await this.#pair.failOver();
    this.outages.push({ fromMs, untilMs: monotonicMs() + RECONNECT_MS });

    const done = this.#sinceMark(killed);
    const kept = done.slice(0, lengthInCommon(done, this.#sinceMark(this.#pair.master)));
    this.losses.push({
      cause: 'failover',
      atMs: fromMs,
      keptUntilMs,
      ...forgottenBetween([...this.#past, ...done], [...this.#past, ...kept]),
    });
    await this.#pair.rejoin();
    await this.#mark();
  }

  async #mark(): Promise<void> {
    const name = `mark:${this.#marks + 1}`;
    await this.#pair.mark(name);
    const all = transactionsOf(this.#pair.master);
    if (this.#marks > 0) {
      const done = since(all, `mark:${this.#marks}`);
      this.#past.push(...done.slice(0, done.length - since(all, name).length));
    }
    this.#marks++;
  }

  #sinceMark(server: RedisServer): Transaction[] {
    return since(transactionsOf(server), `mark:${this.#marks}`);
  }
}

function transactionsOf({ dir }: RedisServer): Transaction[] {
  return parseAppendOnlyFile(readAppendOnlyFiles(dir));
}
