import { setTimeout as pause } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { LeaseLostError, TaskCancelledError } from '../../libs/stem/src/core/errors.js';
import { resolveStemOptions } from '../../libs/stem/src/config/resolve-options.js';
import { eventually } from '../contract/broker-harness.js';
import { type RedisServer, startRedisServer } from '../support/redis-server.js';
import { freshNamespace, gate, redisStem, type TestStem } from '../support/stem.js';
import { WorkerProcess } from '../support/worker-process.js';

let redis: RedisServer;
let raw: Redis;
let namespace: string;
let stem: TestStem;
let key: (name: string) => string;

beforeAll(async () => {
  redis = await startRedisServer();
  raw = new Redis(redis.url());
});
afterAll(async () => {
  raw.disconnect();
  await redis.stop();
});
beforeEach(async () => {
  namespace = freshNamespace();
  key = (name) => `{${namespace}:0}:${name}`;
  stem = await redisStem(redis.url(), namespace);
  for (const name of ['echo', 'sleep', 'stubborn', 'block', 'die']) stem.task(name, undefined);
});
afterEach(async () => {
  await WorkerProcess.killAll();
  await stem.close();
});

const workerProcess = (options: { visibilityTimeoutMs?: number; drainTimeoutMs?: number } = {}) =>
  WorkerProcess.start({ redisUrl: redis.url(), namespace, ...options });

/** Takes every lease away, as a reclaimer does that finds it run out. */
async function loseLeases(): Promise<void> {
  for (const consumer of await raw.zrange(key('leases'), 0, '-1')) {
    await raw.zadd(key('leases'), 1, consumer);
  }
  await stem.broker.reclaim({ maxLosses: 3 });
}

describe('a lease', () => {
  it('keeps a task of three visibility timeouts with its worker, which runs it once', async () => {
    let runs = 0;
    stem.task('long', async () => {
      runs++;
      await new Promise((resolve) => setTimeout(resolve, 3_000));
      return 'once';
    });
    await stem.worker({ visibilityTimeoutMs: 1_000 }).start();
    await stem.worker({ visibilityTimeoutMs: 1_000 }).start();
    const task = await stem.client.enqueue('long');

    expect(await task.result({ timeout: '10s' })).toBe('once');
    expect(runs).toBe(1);
    expect(await task.status()).toMatchObject({ deliveries: 1 });
  });

  it('that is lost aborts the signal, and drops the outcome and counts it', async () => {
    const started = gate<AbortSignal>();
    const go = gate();
    stem.task('held', async (_args, { signal, deliveries }) => {
      if (deliveries > 1) return 'second';
      started.open(signal);
      await go.promise;
      return 'first, and too late';
    });
    const worker = stem.worker({ visibilityTimeoutMs: 1_000, concurrency: 1 });
    await worker.start();
    const task = await stem.client.enqueue('held');
    const signal = await started.promise;

    await loseLeases();

    await eventually(() => expect(signal.reason).toBeInstanceOf(LeaseLostError));
    go.open();
    expect(await task.result({ timeout: '5s' })).toBe('second');
    expect(worker.counts).toMatchObject({
      leasesLost: 1,
      runs: { 'lease-lost': 1, succeeded: 1 },
    });
    expect(stem.log.lines.join('\n')).toMatch(/error Worker .* lost its lease/);
  });

  it('that is lost is told to a handler that asks for more of it', async () => {
    const started = gate();
    const go = gate();
    const reason = gate<unknown>();
    stem.task('beats', async (_args, context) => {
      if (context.deliveries > 1) return;
      started.open();
      await go.promise;
      await context.heartbeat();
      reason.open(context.signal.reason);
    });
    await stem.worker({ visibilityTimeoutMs: 60_000 }).start();
    await stem.client.enqueue('beats');
    await started.promise;
    await loseLeases();
    go.open();

    expect(await reason.promise).toBeInstanceOf(LeaseLostError);
  });

  it('is not lost by a worker that blocks for less, nor is its death noticed before it ends', async () => {
    const worker = await workerProcess({ visibilityTimeoutMs: 2_000 });
    const task = await stem.client.enqueue('block', { ms: 1_000 });

    expect(await task.result({ timeout: '10s' })).toBe('blocked');
    expect(worker.output).not.toMatch(/did nothing/);
  });

  it('that runs out under a blocked event loop is reported as such, and nothing stale is settled', async () => {
    const blocked = await workerProcess();
    const task = await stem.client.enqueue('block', { ms: 2_500 }, { maxRetries: 0 });
    await blocked.prints(/^started/m);
    // The other one takes over what the first has lost, and is blocked by it in its turn.
    stem.task('block', () => 'by another worker');
    await stem.worker({ visibilityTimeoutMs: 1_000 }).start();

    expect(await task.result({ timeout: '10s' })).toBe('by another worker');
    await blocked.prints(
      /error This process did nothing for \d+ ms, longer than its lease of 1000 ms/,
    );
    await blocked.prints(/counts .*"lease-lost":1.*"leasesLost":1,"blocks":1/);
    expect(await task.status()).toMatchObject({ result: 'by another worker', deliveries: 2 });
  });

  it('of a stopped process is taken over, and the process that comes back settles nothing', async () => {
    const first = await workerProcess();
    const task = await stem.client.enqueue('sleep', { ms: 600 });
    await first.prints(/^started/m);
    first.signal('SIGSTOP');
    stem.task('sleep', () => 'by another worker');
    await stem.worker({ visibilityTimeoutMs: 1_000 }).start();
    const result = await task.result({ timeout: '10s' });

    first.signal('SIGCONT');
    await first.prints(/lost its lease/);
    const next = await stem.client.enqueue('echo', { n: 1 });
    expect(await next.result({ timeout: '5s' }).catch(() => 'no handler')).toBeDefined();

    expect(result).toBe('by another worker');
    expect(await task.status()).toMatchObject({ result: 'by another worker' });
  });

  it('makes a task whose worker dies three times a dead letter', async () => {
    const task = await stem.client.enqueue('die');
    for (let death = 1; death <= 3; death++) {
      await workerProcess().catch(() => undefined);
      await eventually(async () => expect(await raw.zcard(key('leases'))).toBeGreaterThan(0));
      await eventually(async () => {
        const { consumers } = await stem.broker.reclaim({ maxLosses: 3 });
        expect(consumers).not.toEqual([]);
      });
    }

    expect(await stem.broker.find(task.id)).toMatchObject({
      state: 'failed',
      reason: 'delivery-limit',
      attempt: 0,
      deliveries: 3,
    });
  });

  it('is given back when it is taken while the worker stops', async () => {
    const worker = stem.worker();
    await worker.start();
    await loseLeases();
    await eventually(() => expect(worker.counts.leasesLost).toBe(1));
    await worker.stop();

    await new Promise((resolve) => setTimeout(resolve, 700));
    expect(await raw.zcard(key('leases'))).toBe(0);
  });

  it.each([
    [
      'visibilityTimeout',
      999,
      /worker.visibilityTimeout is 999; expected a duration of at least 1s/,
    ],
    ['visibilityTimeout', '-5s', /worker.visibilityTimeout/],
    ['visibilityTimeout', '30d', /worker.visibilityTimeout .*at most 24 days/],
    ['heartbeatInterval', 0, /worker.heartbeatInterval/],
    [
      'unhealthyAfter',
      '10s',
      /worker.unhealthyAfter .*longer than worker.pollInterval, which is 10s/,
    ],
  ])('with %s: %p is refused at boot', (option, value, message) => {
    expect(() => resolveStemOptions({ worker: { [option]: value } }, {})).toThrow(message);
  });
});

describe('a cancel', () => {
  const untilAborted = (_args: unknown, { signal }: { signal: AbortSignal }): Promise<never> =>
    new Promise((_resolve, reject) =>
      signal.addEventListener('abort', () => reject(signal.reason as Error)),
    );

  it('reaches a running task within a second though the message is lost', async () => {
    const started = gate();
    stem.task('long', (args, context) => {
      started.open();
      return untilAborted(args, context);
    });
    await stem.worker().start();
    const task = await stem.client.enqueue('long');
    await started.promise;
    // What a cancel leaves, without what it says.
    const request = { id: task.id, reason: 'unheard', terminate: false, ttlMs: 60_000 };
    await raw.hset(key('cancels'), task.id, JSON.stringify(request));
    const from = performance.now();

    await expect(task.result({ timeout: '5s' })).rejects.toThrow(/unheard/);
    expect(performance.now() - from).toBeLessThan(1_000);
    expect(await raw.exists(key('cancels'))).toBe(0);
  });

  it('comes from another process, and does not let the task be tried again', async () => {
    const worker = await workerProcess({ visibilityTimeoutMs: 30_000 });
    const task = await stem.client.enqueue('sleep', { ms: 20_000 });
    await worker.prints(/^started/m);
    const from = performance.now();

    await stem.client.cancel(task.id, { reason: 'enough' });

    await expect(task.result({ timeout: '5s' })).rejects.toThrow(TaskCancelledError);
    expect(performance.now() - from).toBeLessThan(1_000);
    expect(worker.output.match(/^started/gm)).toHaveLength(1);
  });

  it('outlives the worker that ran the task', async () => {
    const worker = await workerProcess();
    const task = await stem.client.enqueue('stubborn', { ms: 20_000 });
    await worker.prints(/^started/m);
    expect(await stem.client.cancel(task.id, { reason: 'for good' })).toBe('requested');
    await worker.end('SIGKILL');
    let runs = 0;
    stem.task('stubborn', () => void runs++);
    await stem.worker({ visibilityTimeoutMs: 1_000 }).start();

    await expect(task.result({ timeout: '10s' })).rejects.toThrow(/for good/);
    expect(runs).toBe(0);
  });

  it('that came too late does not meet a later task of the same id', async () => {
    const started = gate();
    const go = gate();
    let runs = 0;
    stem.task('again', async (_args, context) => {
      runs++;
      if (runs > 1)
        return context.attempt === 0 ? Promise.reject(new Error('once more')) : 'second';
      started.open();
      await go.promise;
      return 'first';
    });
    await stem.worker().start();
    const first = await stem.client.enqueue('again', {}, { id: 'mine', resultTtl: 50 });
    await started.promise;
    await stem.client.cancel(first.id);
    go.open();
    await eventually(async () => expect(await first.status()).toBeUndefined());

    const second = await stem.client.enqueue('again', {}, { id: 'mine' });
    expect(await second.result({ timeout: '5s' })).toBe('second');
  });
});

describe('tasks that the server hands out and the worker does not hear of', () => {
  it('are told from those that it is just hearing of', async () => {
    stem.task('echo', undefined);
    // So short that every renewal looks for unknown tasks. Nobody is there to take the lease.
    const consumer = await stem.broker.openConsumer({
      worker: 'busy',
      queues: ['default'],
      leaseMs: 4,
    });
    const count = 1_000;
    await stem.client.enqueueMany(
      Array.from({ length: count }, () => ({ task: 'echo', args: {} })),
    );
    const claimed: string[] = [];
    const claim = async (): Promise<void> => {
      for (;;) {
        const outcome = await consumer.claim(2);
        if (outcome.outcome !== 'claimed' || outcome.deliveries.length === 0) return;
        claimed.push(...outcome.deliveries.map(({ envelope }) => envelope.id));
      }
    };
    let isDone = false;
    const renew = async (): Promise<void> => {
      while (!isDone) {
        // Answers that come together are the hard case.
        await Promise.all([consumer.renew(), pause(1), consumer.renew(), consumer.renew()]);
        await Promise.all([consumer.renew(), consumer.renew()]);
        await pause(3);
      }
    };
    const renewals = [renew(), renew()];
    await Promise.all([claim(), claim()]);
    isDone = true;
    await Promise.all(renewals);

    expect(claimed).toHaveLength(count);
    expect(new Set(claimed).size).toBe(count);
    expect(await stem.client.queues.stats('default')).toMatchObject({ queued: 0, running: count });
    await consumer.close();
  });

  it('are given back', async () => {
    stem.task('echo', (args) => args);
    const worker = stem.worker({ visibilityTimeoutMs: 1_000, concurrency: 2 });
    await worker.start();
    await (await stem.client.enqueue('echo')).result({ timeout: '5s' });
    const [consumer = ''] = await raw.zrange(key('leases'), 0, '-1');
    await stem.client.queues.pause('default');
    const task = await stem.client.enqueue('echo', { n: 1 });
    // As a claim does that is carried out after the worker gave up on it.
    await raw.xreadgroup('GROUP', 'stem', consumer, 'COUNT', 1, 'STREAMS', key('q:0:default'), '>');
    expect(await stem.broker.find(task.id)).toMatchObject({ state: 'running', worker: consumer });
    await stem.client.queues.resume('default');

    expect(await task.result({ timeout: '5s' })).toEqual({ n: 1 });
  });
});
