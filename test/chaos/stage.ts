import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { RedisBroker } from '../../libs/stem/src/broker/redis/redis-broker.js';
import { StemClient } from '../../libs/stem/src/client/stem-client.js';
import { SignalBus } from '../../libs/stem/src/core/signals.js';
import { TaskRegistry } from '../../libs/stem/src/core/task-registry.js';
import { type ChaosRedis, type RedisFault, repeatedly } from './chaos-redis.js';
import type { Evidence, FinalTask, KeyInfo } from './checker.js';
import { Cluster, type Member, type Version } from './cluster.js';
import { connectionTo } from './connection.js';
import { factsOf } from './history.js';
import { monotonicMs, readLedgers } from './ledger.js';
import type { Random } from './random.js';
import { ReplicatedRedis } from './replicated-redis.js';
import { SingleRedis } from './single-redis.js';
import { BURST_SIGNAL, IDLE_QUEUE, OPERATOR_QUEUE, QUEUE } from './tasks.js';

export interface StageOptions {
  readonly label: string;
  /** How Redis keeps what it was told: in a file, or with a replica behind Sentinel. */
  readonly redis: 'fsync always' | 'fsync everysec' | 'Sentinel';
  readonly partitions: number;
  /** Builds of the package that take turns. */
  readonly versions: readonly Version[];
  readonly leaseMs: number;
  readonly commandTimeoutMs: number;
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
  /** Where the compiled programs are, in a folder for each version. */
  readonly programs: string;
  readonly log: (line: string) => void;
}

export type FaultKind =
  | 'kill a worker'
  | 'kill the producer'
  | 'stop a worker'
  | 'replace a worker'
  | 'replace the producer'
  | 'cut connections'
  | RedisFault;

const NAMESPACE = 'chaos';
const CONCURRENCY = 5;
const WORKERS = 3;
const POINTS_AT_ONCE = 3;
const POINT_TRIES = 12;
const POINT_PATIENCE_MS = 12_000;
const HOUR_MS = 3_600_000;
/** PTTL's answer for a key that does not exist. */
const KEY_IS_GONE = -2;

const PRODUCER_SCRIPTS = [
  'cancel',
  'commit-batch',
  'discard',
  'enqueue',
  'find',
  'list-ended',
  'list-ready',
  'list-sorted',
  'move-piece',
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
  readonly #redis: ChaosRedis;
  readonly #cluster: Cluster;

  static async run(options: StageOptions): Promise<Evidence> {
    mkdirSync(options.folder, { recursive: true });
    const redis =
      options.redis === 'Sentinel'
        ? await ReplicatedRedis.start()
        : await SingleRedis.start(options.redis === 'fsync always' ? 'always' : 'everysec');
    const stage = new Stage(options, redis);
    try {
      return await stage.#run();
    } finally {
      await stage.#cluster.killAll();
      await redis.stop();
    }
  }

  private constructor(options: StageOptions, redis: ChaosRedis) {
    this.#options = options;
    this.#redis = redis;
    this.#cluster = new Cluster(options.programs, options.folder, options.label, {
      redisUrl: redis.url,
      namespace: NAMESPACE,
      partitions: options.partitions,
      leaseMs: options.leaseMs,
      commandTimeoutMs: options.commandTimeoutMs,
      concurrency: CONCURRENCY,
    });
  }

  async #run(): Promise<Evidence> {
    const { seconds, points, faults, log, random } = this.#options;
    const untilMs = monotonicMs() + seconds * 1_000;
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
    await maintaining.end();
    return this.#finish();
  }

  /** Keeps up the number of workers, some of them with a clock of their own, and a producer. */
  #maintain(): { end(): Promise<void> } {
    const { versions } = this.#options;
    const shifts = [0, 0, HOUR_MS, -HOUR_MS];
    const counts = { worker: 0, producer: 0 };
    const start = (role: 'worker' | 'producer'): void => {
      const count = counts[role]++;
      this.#cluster.start({
        role,
        clockShiftMs: shifts[(role === 'worker' ? count : count + 2) % shifts.length] ?? 0,
        version: versions[count % versions.length] ?? 'current',
      });
    };
    return repeatedly(100, async () => {
      while (this.#cluster.regulars('worker').length < WORKERS) start('worker');
      if (this.#cluster.regulars('producer').length === 0) start('producer');
    });
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
      await delay(500);
      if (isReleasing) this.#cluster.signalReady('producer', BURST_SIGNAL);
      await delay(200);
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
      case 'replace the producer': {
        const [producer] = this.#cluster.regulars('producer');
        if (producer) await this.#cluster.terminate(producer);
        return;
      }
      case 'cut connections':
        await this.#redis.client.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
        await this.#redis.client.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
        return;
      default:
        return this.#redis.strike(fault, random.next(), leaseMs);
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

  async #finish(): Promise<Evidence> {
    const { label, leaseMs, log, points, recoveryLimitMs, folder } = this.#options;
    log(`${label}: no more faults; waiting for the last tasks`);
    await Promise.all(
      this.#cluster.regulars('producer').map((one) => this.#cluster.terminate(one)),
    );
    const broker = new RedisBroker({
      connection: connectionTo(this.#redis.url),
      namespace: NAMESPACE,
      partitions: this.#options.partitions,
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
        finals: await readFinals(broker, this.#options.partitions, [...new Set(ids)]),
        keys: await this.#listKeys(),
        facts: factsOf(this.#redis.history()),
        blows: this.#cluster.blows,
        outages: this.#redis.outages,
        losses: this.#redis.losses,
        concurrency: CONCURRENCY,
        recoveryLimitMs,
        recoveriesExpected: this.#options.recoveriesExpected,
        points,
        versions: this.#options.versions.length > 1 ? this.#options.versions : [],
      };
    } finally {
      await broker.close();
    }
  }

  /** Nothing waits, nothing runs, every batch is whole, and every lost lease has been noticed. */
  async #untilIdle(broker: RedisBroker, limitMs: number): Promise<void> {
    for (const deadline = monotonicMs() + limitMs; monotonicMs() < deadline; await delay(100)) {
      const stats = await Promise.all(
        [QUEUE, OPERATOR_QUEUE].map((queue) => broker.queueStats(queue)),
      );
      const left = stats.reduce((sum, s) => sum + s.queued + s.scheduled + s.running, 0);
      const leases = await this.#countIn('leases');
      const batches = await this.#countIn('batches');
      const workers = this.#cluster.regulars('worker').length;
      const isIdle = left === 0 && batches.every((count) => count === 0);
      if (isIdle && leases.every((count) => count <= workers)) return;
    }
  }

  /** Sizes of a sorted set in each partition. */
  #countIn(set: 'leases' | 'batches'): Promise<number[]> {
    return Promise.all(
      Array.from({ length: this.#options.partitions }, (_, partition) =>
        this.#redis.client.zcard(`{${NAMESPACE}:${partition}}:${set}`),
      ),
    );
  }

  async #listKeys(): Promise<KeyInfo[]> {
    const found: KeyInfo[] = [];
    for await (const keys of this.#redis.client.scanStream({ count: 1_000 }) as AsyncIterable<
      string[]
    >) {
      for (const key of keys) {
        const type = await this.#redis.client.type(key);
        const content = await this.#contentOf(key, type);
        const ttlMs = await this.#redis.client.pttl(key);
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
        return {
          size: await this.#redis.client.strlen(key),
          state: await this.#redis.client.getrange(key, 0, 0),
        };
      case 'stream': {
        // The stream of events has no consumers.
        if (!key.includes('}:q:')) return { size: await this.#redis.client.xlen(key) };
        const [pending] = (await this.#redis.client.call('XPENDING', key, 'stem')) as [number];
        return { size: await this.#redis.client.xlen(key), pending };
      }
      case 'list':
        return { size: await this.#redis.client.llen(key) };
      case 'zset':
        return { size: await this.#redis.client.zcard(key) };
      case 'set':
        return { size: await this.#redis.client.scard(key) };
      default:
        return { size: await this.#redis.client.hlen(key) };
    }
  }
}

/** Asks for every task as a client does. */
async function readFinals(
  broker: RedisBroker,
  partitions: number,
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
      partitions,
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
