import { truncateSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { type RedisServer, startRedisServer } from '../support/redis-server.js';
import {
  type ChaosRedis,
  freeze,
  type Outage,
  RECONNECT_MS,
  type RedisFault,
  repeatedly,
} from './chaos-redis.js';
import type { MemoryLoss } from './checker.js';
import {
  appendOnlyFiles,
  forgottenBetween,
  parseAppendOnlyFile,
  readAppendOnlyFiles,
  type Transaction,
} from './history.js';
import { monotonicMs } from './ledger.js';

const FLUSH_MS = 1_000;
const SAMPLE_MS = 20;

/** One server, whose append-only file is never rewritten: it holds the whole history. */
export class SingleRedis implements ChaosRedis {
  readonly client: Redis;
  readonly outages: Outage[] = [];
  readonly losses: MemoryLoss[] = [];
  readonly #server: RedisServer;
  /** Sizes of the append-only file over the last seconds. */
  #sizes: { atMs: number; bytes: number }[] = [];
  readonly #sampling: { end(): Promise<void> };

  static async start(fsync: 'always' | 'everysec'): Promise<SingleRedis> {
    const server = await startRedisServer({
      args: [
        ...['--appendonly', 'yes', '--appendfsync', fsync],
        ...['--auto-aof-rewrite-percentage', '0', '--enable-debug-command', 'yes'],
      ],
    });
    return new SingleRedis(server);
  }

  private constructor(server: RedisServer) {
    this.#server = server;
    this.client = new Redis(server.url(), { retryStrategy: () => 20, maxRetriesPerRequest: null });
    this.client.on('error', () => undefined);
    this.#sampling = repeatedly(SAMPLE_MS, () => this.#sampleSize());
  }

  get url(): string {
    return this.#server.url();
  }

  async strike(fault: RedisFault, severity: number, leaseMs: number): Promise<void> {
    switch (fault) {
      case 'freeze Redis':
        this.outages.push(await freeze(this.client, severity, leaseMs));
        return;
      case 'kill Redis':
        return this.#restart(100 + severity * 1_900);
      case 'cut the power of Redis':
        return this.#cutPower();
      default:
        throw new Error(`There is no replica to ${fault}`);
    }
  }

  history(): Transaction[] {
    return parseAppendOnlyFile(readAppendOnlyFiles(this.#server.dir));
  }

  async stop(): Promise<void> {
    this.client.disconnect();
    await this.#sampling.end();
    await this.#server.stop();
  }

  async #restart(pauseMs: number, meanwhile?: () => void): Promise<void> {
    const fromMs = monotonicMs();
    await this.#server.kill();
    meanwhile?.();
    await delay(pauseMs);
    await this.#server.restart();
    this.outages.push({ fromMs, untilMs: monotonicMs() + RECONNECT_MS });
  }

  /**
   * Kills Redis and takes from its file what came in the last second. A kill alone loses nothing: what
   * was written lies with the operating system. A power cut takes what no fsync has reached.
   */
  async #cutPower(): Promise<void> {
    const atMs = monotonicMs();
    await this.#restart(300, () => {
      const [file] = appendOnlyFiles(this.#server.dir).slice(-1);
      const kept = this.#sizes.filter((size) => size.atMs <= atMs - FLUSH_MS).at(-1);
      if (file === undefined || kept === undefined) return;
      const whole = this.history();
      truncateSync(file, kept.bytes);
      this.losses.push({
        cause: 'power cut',
        atMs,
        keptUntilMs: kept.atMs,
        ...forgottenBetween(whole, this.history()),
      });
    });
    this.#sizes = [];
  }

  async #sampleSize(): Promise<void> {
    const [file] = appendOnlyFiles(this.#server.dir).slice(-1);
    const atMs = monotonicMs();
    if (file !== undefined) this.#sizes.push({ atMs, bytes: (await stat(file)).size });
    if (this.#sizes.length > 500) this.#sizes.splice(0, 250);
  }
}
