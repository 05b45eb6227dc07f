import { mkdirSync, truncateSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { RedisBroker } from '../../libs/stem/src/broker/redis/redis-broker.js';
import { StemClient } from '../../libs/stem/src/client/stem-client.js';
import { SignalBus } from '../../libs/stem/src/core/signals.js';
import { TaskRegistry } from '../../libs/stem/src/core/task-registry.js';
import { type RedisServer, startRedisServer } from '../support/redis-server.js';
import type { Evidence, FinalTask, KeyInfo, PowerCut } from './checker.js';
import { Cluster, type Member } from './cluster.js';
import { appendOnlyFiles, factsOf, parseAppendOnlyFile, readAppendOnlyFiles } from './history.js';
import { monotonicMs, readLedgers } from './ledger.js';
import type { Random } from './random.js';
import { IDLE_QUEUE, OPERATOR_QUEUE, QUEUE } from './tasks.js';

export interface StageOptions {
  readonly label: string;
  /** How Redis writes its append-only file. */
  readonly fsync: 'always' | 'everysec';
  readonly leaseMs: number;
  readonly recoveryLimitMs: number;
  readonly recoveriesExpected: number;
  readonly seconds: number;
  /** Points at which a process must die, each at least once. */
  readonly points: readonly string[];
  /** What is done at random; nothing but one kill when empty. */
  readonly faults: Readonly<Partial<Record<FaultKind, number>>>;
  readonly random: Random;
  /** Where ledgers and output of processes go. */
  readonly folder: string;
  /** Where the compiled programs are. */
  readonly programs: string;
  readonly log: (line: string) => void;
}

export type FaultKind =
  | 'kill a worker'
  | 'kill the producer'
  | 'stop a worker'
  | 'replace a worker'
  | 'cut connections'
  | 'freeze Redis'
  | 'kill Redis'
  | 'cut the power of Redis';

const NAMESPACE = 'chaos';
const CONCURRENCY = 5;
const WORKERS = 3;
const POINTS_AT_ONCE = 3;
const POINT_TRIES = 12;
const POINT_PATIENCE_MS = 12_000;
const HOUR_MS = 3_600_000;
/** PTTL's answer for a key that does not exist. */
const KEY_IS_GONE = -2;
/** Clients come back to a Redis that is up again after at most this long. */
const RECONNECT_MS = 2_500;
const FLUSH_MS = 1_000;
const SAMPLE_MS = 20;

const PRODUCER_SCRIPTS = [
  'cancel',
  'discard',
  'enqueue',
  'find',
  'pause',
  'purge',
  'queue-stats',
  'replay',
  'settle-due',
  'watch',
];

/** A Redis, processes around it, and what happens to them. */
export class Stage {
  readonly #options: StageOptions;
  readonly #redis: RedisServer;
  readonly #raw: Redis;
  readonly #cluster: Cluster;
  readonly #outages: { fromMs: number; untilMs: number }[] = [];
  readonly #powerCuts: PowerCut[] = [];
  /** Sizes of the append-only file over the last seconds. */
  #sizes: { atMs: number; bytes: number }[] = [];
  #ending = false;

  static async run(options: StageOptions): Promise<Evidence> {
    mkdirSync(options.folder, { recursive: true });
    const redis = await startRedisServer({
      args: [
        ...['--appendonly', 'yes', '--appendfsync', options.fsync],
        // The whole history stays in one file, which is the witness at the end.
        ...['--auto-aof-rewrite-percentage', '0', '--enable-debug-command', 'yes'],
      ],
    });
    const stage = new Stage(options, redis);
    try {
      return await stage.#run();
    } finally {
      await stage.#cluster.killAll();
      stage.#raw.disconnect();
      await redis.stop();
    }
  }

  private constructor(options: StageOptions, redis: RedisServer) {
    this.#options = options;
    this.#redis = redis;
    this.#raw = new Redis(redis.url(), { retryStrategy: () => 20, maxRetriesPerRequest: null });
    this.#raw.on('error', () => undefined);
    this.#cluster = new Cluster(options.programs, options.folder, options.label, {
      redisUrl: redis.url(),
      namespace: NAMESPACE,
      leaseMs: options.leaseMs,
      concurrency: CONCURRENCY,
    });
  }

  async #run(): Promise<Evidence> {
    const { seconds, points, faults, log, random } = this.#options;
    const untilMs = monotonicMs() + seconds * 1_000;
    const sampling = this.#sampleSizes();
    const maintaining = this.#maintain();
    await delay(2_000);
    await this.#dieAtPoints(points);
    if (Object.keys(faults).length === 0) {
      await delay(4_000);
      await this.#killWorker();
      await this.#killWorker();
      await delay(this.#options.recoveryLimitMs);
    } else {
      // Each kind once, whatever the dice say.
      const first = random.shuffle(Object.keys(faults) as FaultKind[]);
      while (first.length > 0 || monotonicMs() < untilMs) {
        const fault = first.shift() ?? random.weighted(faults as Record<FaultKind, number>);
        log(`${this.#options.label}: ${fault}`);
        await this.#strike(fault);
        await delay(random.between(500, 2_000));
      }
    }
    this.#ending = true;
    await Promise.all([sampling, maintaining]);
    return this.#finish();
  }

  /** Keeps up the number of workers, some of them with a clock of their own, and a producer. */
  async #maintain(): Promise<void> {
    const shifts = [0, 0, HOUR_MS, -HOUR_MS];
    for (let count = 0; !this.#ending; await delay(100)) {
      while (this.#cluster.regulars('worker').length < WORKERS) {
        this.#cluster.start({ role: 'worker', clockShiftMs: shifts[count++ % shifts.length] ?? 0 });
      }
      if (this.#cluster.regulars('producer').length === 0) {
        this.#cluster.start({ role: 'producer', clockShiftMs: shifts[count % shifts.length] ?? 0 });
      }
    }
  }

  async #dieAtPoints(points: readonly string[]): Promise<void> {
    const left = [...points];
    const lane = async (): Promise<void> => {
      for (let point = left.shift(); point !== undefined; point = left.shift()) {
        for (let tries = 0; tries < POINT_TRIES && !(await this.#dieAt(point)); tries++);
      }
    };
    await Promise.all(Array.from({ length: POINTS_AT_ONCE }, lane));
  }

  /** Starts a process that is to die at a point, and brings about what leads there. */
  async #dieAt(point: string): Promise<boolean> {
    const [, step = ''] = point.split(':');
    const isProducers = point.startsWith('script:') && PRODUCER_SCRIPTS.includes(step);
    const isReleasing = ['release', 'released'].includes(step);
    const member = this.#cluster.start({
      role: isProducers ? 'producer' : 'worker',
      point,
      // One that runs a single task has others waiting, which it gives back when it stops.
      ...(isReleasing ? { concurrency: 1 } : {}),
    });
    await this.#cluster.whenReady(member, POINT_PATIENCE_MS);
    if (isReleasing || ['close-consumer', 'consumer-closed'].includes(step)) {
      await delay(700);
      await this.#cluster.terminate(member);
    } else if (step === 'lease-lost') {
      await delay(300);
      await this.#cluster.stopFor(member, this.#options.leaseMs * 1.5);
    }
    const deadline = monotonicMs() + POINT_PATIENCE_MS;
    while (this.#cluster.members.has(member) && monotonicMs() < deadline) await delay(20);
    if (this.#cluster.members.has(member)) {
      await this.#cluster.kill(member);
      return false;
    }
    if (member.child.signalCode !== 'SIGKILL') return false;
    this.#cluster.noteDeath(member);
    return true;
  }

  async #strike(fault: FaultKind): Promise<void> {
    const { random, leaseMs } = this.#options;
    switch (fault) {
      case 'kill a worker':
        return this.#killWorker();
      case 'kill the producer': {
        const [producer] = this.#cluster.regulars('producer');
        if (producer) await this.#cluster.kill(producer);
        return;
      }
      case 'stop a worker': {
        const worker = await this.#someWorker();
        if (worker) await this.#cluster.stopFor(worker, leaseMs * random.between(1.2, 1.8));
        return;
      }
      case 'replace a worker': {
        const worker = await this.#someWorker();
        if (worker) await this.#cluster.terminate(worker);
        return;
      }
      case 'cut connections':
        await this.#raw.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
        await this.#raw.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
        return;
      case 'freeze Redis': {
        const fromMs = monotonicMs();
        await this.#raw.call(
          'DEBUG',
          'SLEEP',
          random.between(0.3, (leaseMs * 1.3) / 1_000).toFixed(2),
        );
        this.#outages.push({ fromMs, untilMs: monotonicMs() + RECONNECT_MS });
        return;
      }
      case 'kill Redis':
        return this.#restartRedis(random.between(100, 2_000));
      case 'cut the power of Redis':
        return this.#cutPower();
    }
  }

  async #killWorker(): Promise<void> {
    for (let tries = 0; tries < 500; tries++, await delay(20)) {
      const worker = await this.#someWorker();
      if (!worker || !this.#cluster.isBusy(worker)) continue;
      return this.#cluster.kill(worker);
    }
  }

  /** A worker that has been up for a moment, and so has something to lose. */
  async #someWorker(): Promise<Member | undefined> {
    for (let tries = 0; tries < 50; tries++, await delay(100)) {
      const workers = this.#cluster
        .regulars('worker')
        .filter(({ startedMs }) => monotonicMs() - startedMs > 2_000);
      if (workers.length > 0) return this.#options.random.pick(workers);
    }
    return undefined;
  }

  async #restartRedis(pauseMs: number, meanwhile?: () => void): Promise<void> {
    const fromMs = monotonicMs();
    await this.#redis.kill();
    meanwhile?.();
    await delay(pauseMs);
    await this.#redis.restart();
    this.#outages.push({ fromMs, untilMs: monotonicMs() + RECONNECT_MS });
  }

  /**
   * Kills Redis and takes from its file what came in the last second. A kill alone loses nothing: what
   * was written lies with the operating system. A power cut takes what no fsync has reached.
   */
  async #cutPower(): Promise<void> {
    const atMs = monotonicMs();
    await this.#restartRedis(300, () => {
      const [file] = appendOnlyFiles(this.#redis.dir).slice(-1);
      const kept = this.#sizes.filter((size) => size.atMs <= atMs - FLUSH_MS).at(-1);
      if (file === undefined || kept === undefined) return;
      const whole = factsOf(parseAppendOnlyFile(readAppendOnlyFiles(this.#redis.dir)));
      truncateSync(file, kept.bytes);
      const left = factsOf(parseAppendOnlyFile(readAppendOnlyFiles(this.#redis.dir)));
      this.#powerCuts.push({
        atMs,
        keptUntilMs: kept.atMs,
        erasedHandOuts: whole.handOuts.slice(left.handOuts.length),
        erasedCommits: whole.commits.length - left.commits.length,
      });
    });
    this.#sizes = [];
  }

  async #sampleSizes(): Promise<void> {
    if (this.#options.fsync === 'always') return;
    for (; !this.#ending; await delay(SAMPLE_MS)) {
      const [file] = appendOnlyFiles(this.#redis.dir).slice(-1);
      const atMs = monotonicMs();
      if (file !== undefined) this.#sizes.push({ atMs, bytes: (await stat(file)).size });
      if (this.#sizes.length > 500) this.#sizes.splice(0, 250);
    }
  }

  async #finish(): Promise<Evidence> {
    const { label, leaseMs, log, points, recoveryLimitMs, folder } = this.#options;
    log(`${label}: no more faults; waiting for the last tasks`);
    await Promise.all(
      this.#cluster.regulars('producer').map((one) => this.#cluster.terminate(one)),
    );
    const broker = new RedisBroker({
      connection: { url: this.#redis.url() },
      namespace: NAMESPACE,
    });
    await broker.connect();
    try {
      const from = monotonicMs();
      await this.#untilIdle(broker, 4 * leaseMs + 30_000);
      log(`${label}: idle after ${Math.round(monotonicMs() - from)} ms`);
      await broker.resumeQueue(IDLE_QUEUE);
      await broker.purgeQueue(IDLE_QUEUE);
      await Promise.all(
        this.#cluster.regulars('worker').map((one) => this.#cluster.terminate(one)),
      );
      const entries = readLedgers(folder);
      const ids = entries.flatMap((entry) => (entry.event === 'accepted' ? [entry.id] : []));
      return {
        entries,
        finals: await readFinals(broker, [...new Set(ids)]),
        keys: await this.#listKeys(),
        facts: factsOf(parseAppendOnlyFile(readAppendOnlyFiles(this.#redis.dir))),
        blows: this.#cluster.blows,
        outages: this.#outages,
        powerCuts: this.#powerCuts,
        concurrency: CONCURRENCY,
        recoveryLimitMs,
        recoveriesExpected: this.#options.recoveriesExpected,
        points,
      };
    } finally {
      await broker.close();
    }
  }

  /** Nothing waits, nothing runs, and every lost lease has been noticed. */
  async #untilIdle(broker: RedisBroker, limitMs: number): Promise<void> {
    for (const deadline = monotonicMs() + limitMs; monotonicMs() < deadline; await delay(100)) {
      const stats = await Promise.all(
        [QUEUE, OPERATOR_QUEUE].map((queue) => broker.queueStats(queue)),
      );
      const left = stats.reduce((sum, s) => sum + s.queued + s.scheduled + s.running, 0);
      const leases = await this.#raw.zcard(`{${NAMESPACE}:0}:leases`);
      if (left === 0 && leases <= this.#cluster.regulars('worker').length) return;
    }
  }

  async #listKeys(): Promise<KeyInfo[]> {
    const found: KeyInfo[] = [];
    for await (const keys of this.#raw.scanStream({ count: 1_000 }) as AsyncIterable<string[]>) {
      for (const key of keys) {
        const type = await this.#raw.type(key);
        const content = await this.#contentOf(key, type);
        const ttlMs = await this.#raw.pttl(key);
        // A key whose time runs out while we look at it is what we hope for.
        if (ttlMs !== KEY_IS_GONE) found.push({ key, type, ttlMs, ...content });
      }
    }
    return found;
  }

  async #contentOf(
    key: string,
    type: string,
  ): Promise<Pick<KeyInfo, 'size' | 'state' | 'pending'>> {
    switch (type) {
      case 'string':
        return { size: await this.#raw.strlen(key), state: await this.#raw.getrange(key, 0, 0) };
      case 'stream': {
        const [pending] = (await this.#raw.call('XPENDING', key, 'stem')) as [number];
        return { size: await this.#raw.xlen(key), pending };
      }
      case 'list':
        return { size: await this.#raw.llen(key) };
      case 'zset':
        return { size: await this.#raw.zcard(key) };
      case 'set':
        return { size: await this.#raw.scard(key) };
      default:
        return { size: await this.#raw.hlen(key) };
    }
  }
}

/** Asks for every task as a client does. */
async function readFinals(
  broker: RedisBroker,
  ids: readonly string[],
): Promise<Map<string, FinalTask>> {
  const silent = { log: () => {}, warn: () => {}, error: () => {}, debug: () => {} };
  const client = new StemClient({
    broker,
    registry: new TaskRegistry(),
    signals: new SignalBus(silent),
    rules: {
      defaultQueue: QUEUE,
      allowUnknownTasks: true,
      partitions: 1,
      limits: { argsBytes: 1 << 20, headersBytes: 1 << 16 },
      resultTtlMs: HOUR_MS,
    },
  });
  const finals = new Map<string, FinalTask>();
  for (let from = 0; from < ids.length; from += 500) {
    await Promise.all(
      ids.slice(from, from + 500).map(async (id) => {
        const status = await client.task(id).status();
        if (status) finals.set(id, { state: status.state, result: status.result });
      }),
    );
  }
  return finals;
}

export const stageFolder = (root: string, label: string): string => join(root, label);
