import { Redis } from 'ioredis';
import { eventually } from '../contract/broker-harness.js';
import { type RedisServer, startRedisServer } from '../support/redis-server.js';
import { freshNamespace, redisStem, type TestStem } from '../support/stem.js';
import { WorkerProcess } from '../support/worker-process.js';

let redis: RedisServer;
let raw: Redis;
let namespace: string;
let stem: TestStem;

beforeAll(async () => {
  redis = await startRedisServer({ args: ['--appendonly', 'yes', '--appendfsync', 'always'] });
  raw = new Redis(redis.url(), { retryStrategy: () => 50, maxRetriesPerRequest: null });
  raw.on('error', () => undefined);
});
afterAll(async () => {
  raw.disconnect();
  await redis.stop();
});
beforeEach(async () => {
  namespace = freshNamespace();
  stem = await redisStem(redis.url(), namespace);
  for (const name of ['echo', 'sleep', 'stubborn']) stem.task(name, undefined);
});
afterEach(async () => {
  await WorkerProcess.killAll();
  await stem.close();
});

const LONG_LEASE_MS = 30_000;
const workerProcess = (drainTimeoutMs = 5_000): Promise<WorkerProcess> =>
  WorkerProcess.start({
    redisUrl: redis.url(),
    namespace,
    visibilityTimeoutMs: LONG_LEASE_MS,
    drainTimeoutMs,
  });

describe('SIGTERM in a process with tasks in flight', () => {
  it('lets them finish, and exits with 0', async () => {
    const worker = await workerProcess();
    const task = await stem.client.enqueue('sleep', { ms: 800 });
    await worker.prints(/^started/m);

    expect(await worker.end('SIGTERM')).toMatchObject({ code: 0 });

    expect(await task.status()).toMatchObject({ state: 'succeeded', deliveries: 1 });
  });

  it('gives back what cannot finish in time; nobody waits for the lease to run out', async () => {
    const worker = await workerProcess(300);
    const tasks = await stem.client.enqueueMany([
      { task: 'sleep', args: { ms: 60_000 } },
      { task: 'stubborn', args: { ms: 60_000 } },
    ]);
    await worker.prints(/started[^]*started/);
    const { code, afterMs } = await worker.end('SIGTERM');

    expect(code).toBe(0);
    expect(afterMs).toBeLessThan(4_000);
    for (const { id } of tasks) {
      expect(await stem.broker.find(id)).toMatchObject({
        state: 'queued',
        attempt: 0,
        deliveries: 0,
      });
    }
    expect(await raw.exists(`{${namespace}:0}:leases`)).toBe(0);
    stem.task('sleep', () => 'at once').task('stubborn', () => 'at once');
    await stem.worker().start();
    for (const task of tasks) expect(await task.result({ timeout: '3s' })).toBe('at once');
  });
});

describe('a worker whose Redis is away', () => {
  it('ends on SIGTERM after one call at most, when it is idle', async () => {
    const worker = await workerProcess();
    await (await stem.client.enqueue('echo')).result({ timeout: '5s' });
    await redis.kill();
    try {
      // Long enough for the pauses between claims to have grown.
      await worker.prints(/Could not claim/);
      await new Promise((resolve) => setTimeout(resolve, 3_000));
      const { code, afterMs } = await worker.end('SIGTERM');

      expect(code).toBe(0);
      // The limit of one call is 2 s here.
      expect(afterMs).toBeLessThan(3_500);
    } finally {
      await redis.restart();
    }
  });

  it('is unhealthy, says so once, and is healthy again when Redis is back', async () => {
    stem.task('echo', (args) => args);
    const worker = stem.worker({ unhealthyAfterMs: 1_000, pollIntervalMs: 300 });
    await worker.start();
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(worker.health).toEqual({ status: 'healthy' });

    const from = Date.now();
    await redis.kill();
    try {
      await eventually(() => expect(worker.health.status).toBe('unhealthy'));
      await new Promise((resolve) => setTimeout(resolve, 500));
      expect(worker.health).toMatchObject({
        reason: expect.stringMatching(/No claim was answered for 1s/),
      });
      const { since } = worker.health as { since: Date };
      expect(Math.abs(since.getTime() - from)).toBeLessThan(1_500);
    } finally {
      await redis.restart();
    }

    await eventually(() => expect(worker.health.status).toBe('healthy'));
    const said = stem.log.lines.filter((line) => line.includes('takes no tasks'));
    expect(said).toHaveLength(1);
  });

  it('is not unhealthy because it is busy, or its queue is paused or empty', async () => {
    stem.task('long', () => new Promise((resolve) => setTimeout(resolve, 2_500)));
    const worker = stem.worker({
      unhealthyAfterMs: 1_000,
      pollIntervalMs: 300,
      concurrency: 1,
      prefetchMultiplier: 1,
    });
    await worker.start();
    const task = await stem.client.enqueue('long');
    for (let i = 0; i < 20; i++) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      expect(worker.health).toEqual({ status: 'healthy' });
    }
    await task.result({ timeout: '5s' });
  });
});

describe('a wake-up that is lost', () => {
  it('costs no more than the poll interval', async () => {
    stem.task('echo', (args) => args);
    await stem.worker({ pollIntervalMs: 700 }).start();
    await (await stem.client.enqueue('echo')).result({ timeout: '5s' });
    const stream = `{${namespace}:0}:q:0:default`;
    for (let round = 0; round < 3; round++) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      // A task that comes without its marker.
      const id = stem.broker.newTaskId();
      const entry = await raw.xadd(stream, '*', 'm', `["${id}","echo",{"round":${round}}]`);
      await raw.set(`{${namespace}:0}:t:${id}`, `q\tdefault\t0\t${entry}`);
      const from = performance.now();
      expect(await stem.client.task(id).result({ timeout: '5s' })).toEqual({ round });
      expect(performance.now() - from).toBeLessThan(700 + 300);
    }
  });
});
