import { inspect } from 'node:util';
import { Redis } from 'ioredis';
import { RedisResultBackend } from '../../libs/stem/src/broker/redis/redis-result-backend.js';
import { BrokerFullError } from '../../libs/stem/src/core/errors.js';
import { eventually } from '../contract/broker-harness.js';
import { type RedisServer, startRedisServer } from '../support/redis-server.js';
import { freshNamespace, gate, redisStem, TestStem } from '../support/stem.js';

const LEASE_MS = 400;
/** Leases are renewed and looked after several times meanwhile. */
const LEASE = { visibilityTimeoutMs: LEASE_MS, heartbeatIntervalMs: 100, pollIntervalMs: 50 };

let redis: RedisServer;
let raw: Redis;
let stem: TestStem;
beforeAll(async () => {
  redis = await startRedisServer({ args: ['--maxmemory-policy', 'noeviction'] });
  raw = new Redis(redis.url());
});
afterAll(async () => {
  raw.disconnect();
  await redis.stop();
});
beforeEach(async () => {
  stem = await redisStem(redis.url());
});
afterEach(async () => {
  await makeRoom();
  await stem.close();
});

const fill = () => raw.config('SET', 'maxmemory', '1');
const makeRoom = () => raw.config('SET', 'maxmemory', '0');
const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe('while Redis is full', () => {
  it('nothing is enqueued, and the caller is told why', async () => {
    stem.task('work', undefined);
    await fill();

    const refused = stem.client.enqueue('work', { card: '4111-1111' });

    await expect(refused).rejects.toBeInstanceOf(BrokerFullError);
    await expect(refused).rejects.toThrow(/OOM.*raise its maxmemory/);
    // As a logger prints it, with its cause.
    const printed = inspect(await refused.catch((error: unknown) => error), { depth: 10 });
    expect(printed).toMatch(/name: 'eval/);
    expect(printed).not.toMatch(/4111/);
  });

  it('workers go through what waits, retries and delayed tasks that come due, too', async () => {
    const tries = gate();
    stem.task('flaky', (_args, { attempt }) => {
      if (attempt === 0) {
        tries.open();
        throw new Error('not yet');
      }
      return attempt;
    });
    stem.task('late', () => 'late').task('plain', () => 'plain');
    const late = await stem.client.enqueue('late', {}, { delay: 100 });
    const flaky = await stem.client.enqueue('flaky');
    const plain = await stem.client.enqueue('plain');
    await fill();

    await stem.worker().start();

    await tries.promise;
    expect(await flaky.result({ timeout: '5s' })).toBe(1);
    expect(await late.result({ timeout: '5s' })).toBe('late');
    expect(await plain.result({ timeout: '5s' })).toBe('plain');
  });

  it('large results are kept', async () => {
    const large = 'r'.repeat(10_000);
    stem.task('large', () => large);
    const tasks = await stem.client.enqueueMany(
      Array.from({ length: 40 }, () => ({ task: 'large' })),
    );
    await fill();

    await stem.worker({ concurrency: 2, prefetchMultiplier: 1 }).start();

    for (const task of tasks) expect(await task.result({ timeout: '5s' })).toBe(large);
    // What cannot go ahead of a call is not tried again and again.
    expect(stem.log.lines.filter((line) => line.includes('UNSTAGED')).length).toBeLessThan(5);
  });

  it('results are kept that have a place of their own', async () => {
    const backend = new RedisResultBackend({
      connection: { url: redis.url(1) },
      namespace: freshNamespace(),
    });
    await backend.connect();
    const apart = new TestStem(stem.broker, backend).task(
      'work',
      (args) => (args as { n: number }).n,
    );
    try {
      const task = await apart.client.enqueue('work', { n: 7 });
      await fill();

      await apart.worker().start();

      expect(await task.result({ timeout: '5s' })).toBe(7);
    } finally {
      await apart.close();
    }
  });

  it('a deploy can store its schedules', async () => {
    stem.task('nightly', undefined);
    await fill();

    await stem.client.schedules.upsert({ id: 'nightly', task: 'nightly', spec: '0 2 * * *' });

    expect(await stem.client.schedules.get('nightly')).toMatchObject({ state: 'active' });
  });

  it('a task that takes longer than its lease stays with its worker', async () => {
    const started = gate();
    stem.task('long', async (_args, ctx) => {
      started.open();
      await wait(LEASE_MS * 3);
      await ctx.progress(1);
      return ctx.signal.aborted;
    });
    const first = stem.worker({ ...LEASE, name: 'first' });
    await first.start();
    const task = await stem.client.enqueue('long');
    await started.promise;
    await fill();
    // It would take over what has no lease.
    await stem.worker({ ...LEASE, name: 'second' }).start();

    expect(await task.result({ timeout: '10s' })).toBe(false);
    expect(await task.status()).toMatchObject({
      deliveries: 1,
      worker: expect.stringMatching(/^first-/) as string,
      progress: { fraction: 1 },
    });
  });

  it('the tasks of a lost worker are taken over', async () => {
    stem.task('work', () => 'done');
    const task = await stem.client.enqueue('work');
    const lost = await stem.broker.openConsumer({
      worker: 'lost',
      queues: ['default'],
      leaseMs: 50,
    });
    await eventually(async () => {
      const claimed = await lost.claim(1);
      expect(claimed.outcome === 'claimed' && claimed.deliveries).toHaveLength(1);
    });
    await fill();

    await stem.worker(LEASE).start();

    expect(await task.result({ timeout: '10s' })).toBe('done');
    expect(await task.status()).toMatchObject({ deliveries: 2 });
    await lost.close();
  });

  it('dead letters can be replayed and purged, queues be resumed and purged, schedules be removed', async () => {
    const { deadLetters, queues, schedules } = stem.client;
    const work = gate();
    stem.task('fail', () => Promise.reject(new Error('broken')), { maxRetries: 0 });
    stem.task('wait', () => work.promise);
    await schedules.upsert({ id: 'nightly', task: 'wait', spec: '0 2 * * *' });
    const dead = await stem.client.enqueueMany([{ task: 'fail' }, { task: 'fail' }]);
    const worker = stem.worker();
    await worker.start();
    await Promise.allSettled(dead.map((task) => task.result({ timeout: '5s' })));
    await worker.stop();
    await queues.pause('default');
    const waiting = await stem.client.enqueue('wait');
    const delayed = await stem.client.enqueue('wait', {}, { delay: '1h' });
    await fill();

    expect(await deadLetters.replay({ ids: [dead[0].id] })).toMatchObject({
      replayed: [dead[0].id],
    });
    expect((await dead[0].status())?.state).toBe('queued');
    expect(await stem.client.cancel(delayed.id)).toBe('cancelled');
    expect(await deadLetters.purge({ queue: 'default' })).toBe(1);
    expect(await queues.purge('default')).toBe(2);
    expect((await waiting.status())?.state).toBe('cancelled');
    await queues.resume('default');
    await schedules.pause('nightly');
    expect(await schedules.remove('nightly')).toBe(true);
  });

  it('queues can be paused, and tasks be cancelled while they wait and while they run', async () => {
    const started = gate();
    stem.task('work', async (_args, { signal }) => {
      started.open();
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      signal.throwIfAborted();
    });
    await stem.worker({ concurrency: 1, prefetchMultiplier: 1 }).start();
    const running = await stem.client.enqueue('work');
    await started.promise;
    const waiting = await stem.client.enqueue('work');
    await fill();

    await stem.client.queues.pause('default');
    expect(await stem.client.cancel(waiting.id)).toBe('cancelled');
    expect(await stem.client.cancel(running.id)).toBe('requested');

    await eventually(async () => expect((await running.status())?.state).toBe('cancelled'));
    expect((await stem.client.queues.stats('default')).paused).toBe(true);
  });
});
