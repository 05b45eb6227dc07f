import {
  TaskCancelledError,
  TaskExpiredError,
  TaskFailedError,
  UnrecoverableTaskError,
  WorkerStoppingError,
} from '../../libs/stem/src/core/errors.js';
import type { SignalName } from '../../libs/stem/src/core/signals.js';
import { eventually } from '../contract/broker-harness.js';
import { type RedisServer, startRedisServer } from '../support/redis-server.js';
import { gate, memoryStem, redisStem, type TestStem } from '../support/stem.js';

let redis: RedisServer;
beforeAll(async () => {
  redis = await startRedisServer();
});
afterAll(() => redis.stop());

const PLACES: [string, () => Promise<TestStem>][] = [
  ['in memory', () => Promise.resolve(memoryStem())],
  ['on Redis', () => redisStem(redis.url())],
];

describe.each(PLACES)('a worker %s', (_place, open) => {
  let stem: TestStem;
  beforeEach(async () => {
    stem = await open();
  });
  afterEach(() => stem.close());

  describe('running', () => {
    it('calls the handler with the arguments and keeps what it returns', async () => {
      stem.task('add', (args) => {
        const { a, b } = args as { a: number; b: number };
        return { sum: a + b };
      });
      await stem.worker().start();

      const task = await stem.client.enqueue('add', { a: 1, b: 2 });

      expect(await task.result({ timeout: '5s' })).toEqual({ sum: 3 });
      expect(await task.status()).toMatchObject({ state: 'succeeded', attempt: 0, deliveries: 1 });
    });

    it('tells the handler all about its run', async () => {
      const seen = gate<object>();
      stem.task('look', (_args, ctx) => {
        const { id, name, queue, attempt, maxRetries, deliveries, headers, meta } = ctx;
        seen.open({ id, name, queue, attempt, maxRetries, deliveries, headers, meta });
        return ctx.enqueuedAt instanceof Date && ctx.signal instanceof AbortSignal;
      });
      await stem.worker().start();

      const task = await stem.client.enqueue(
        'look',
        {},
        { headers: { tenant: 'a' }, meta: { n: 1 }, maxRetries: 7 },
      );

      expect(await task.result({ timeout: '5s' })).toBe(true);
      expect(await seen.promise).toEqual({
        id: task.id,
        name: 'look',
        queue: 'default',
        attempt: 0,
        maxRetries: 7,
        deliveries: 1,
        headers: { tenant: 'a' },
        meta: { n: 1 },
      });
    });

    it('never runs more handlers than its concurrency, nor holds more tasks than its prefetch', async () => {
      let running = 0;
      let most = 0;
      const go = gate();
      stem.task('wait', async () => {
        most = Math.max(most, ++running);
        await go.promise;
        await new Promise((resolve) => setImmediate(resolve));
        running--;
      });
      const tasks = await stem.client.enqueueMany(
        Array.from({ length: 60 }, () => ({ task: 'wait', args: {} })),
      );
      const worker = stem.worker({ concurrency: 3, prefetchMultiplier: 2 });
      await worker.start();
      await eventually(() => expect(running).toBe(3));

      await eventually(async () => {
        const { queued, running: handedOut } = await stem.client.queues.stats('default');
        expect({ queued, handedOut }).toEqual({ queued: 54, handedOut: 6 });
      });
      expect(worker.held).toBe(6);

      go.open();
      await Promise.all(tasks.map((task) => task.result({ timeout: '10s' })));
      expect(most).toBe(3);
    });

    it('starts the highest priority first among what it has claimed', async () => {
      const order: number[] = [];
      stem.task('note', (args) => void order.push((args as { p: number }).p));
      const tasks = [];
      for (const p of [0, 5, 9, 0, 9]) {
        tasks.push(await stem.client.enqueue('note', { p }, { priority: p }));
      }
      await stem.worker({ concurrency: 1 }).start();
      await Promise.all(tasks.map((task) => task.result({ timeout: '5s' })));

      expect(order).toEqual([9, 9, 5, 0, 0]);
    });

    it('starts tasks of one name no more often than its rate limit', async () => {
      const starts: number[] = [];
      stem.task('slow', () => void starts.push(performance.now()), { rateLimit: '20/s' });
      const tasks = await stem.client.enqueueMany(
        Array.from({ length: 6 }, () => ({ task: 'slow', args: {} })),
      );
      await stem.worker().start();
      await Promise.all(tasks.map((task) => task.result({ timeout: '10s' })));

      // Six starts are at least five intervals of 50 ms apart, less what timers are early.
      expect((starts.at(-1) as number) - (starts[0] as number)).toBeGreaterThanOrEqual(5 * 50 - 15);
      for (const task of tasks) expect(await task.status()).toMatchObject({ deliveries: 1 });
    });

    it('shows progress while it runs and keeps the last of it', async () => {
      const seen = gate();
      const go = gate();
      stem.task('steps', async (_args, ctx) => {
        await ctx.progress(0.5, { step: 'half' });
        seen.open();
        await go.promise;
        return 'done';
      });
      await stem.worker().start();
      const task = await stem.client.enqueue('steps');
      await seen.promise;

      expect(await task.status()).toMatchObject({
        state: 'running',
        progress: { fraction: 0.5, data: { step: 'half' } },
      });
      go.open();
      await task.result({ timeout: '5s' });
      expect(await task.status()).toMatchObject({ progress: { fraction: 0.5 } });
    });

    it('enqueues children that keep the headers and know their parent', async () => {
      stem.task('parent', async (_args, ctx) => (await ctx.enqueue('child', { n: 1 })).id);
      stem.task('child', (_args, ctx) => ({ headers: { ...ctx.headers }, meta: ctx.meta }));
      await stem.worker().start();

      const parent = await stem.client.enqueue('parent', {}, { headers: { tenant: 'a' } });
      const childId = (await parent.result({ timeout: '5s' })) as string;

      expect(await stem.client.task(childId).result({ timeout: '5s' })).toMatchObject({
        headers: { tenant: 'a' },
        meta: { 'stem.parentTaskId': parent.id },
      });
    });

    it('keeps nothing of a task whose result is ignored', async () => {
      stem.task('forget', () => 'nobody asks', { ignoreResult: true });
      await stem.worker().start();
      const task = await stem.client.enqueue('forget');

      await eventually(async () => expect(await task.status()).toBeUndefined());
      expect(await stem.client.queues.stats('default')).toMatchObject({ succeeded: 1, running: 0 });
    });
  });

  describe('failing', () => {
    it('tries again with growing pauses, then succeeds', async () => {
      const attempts: number[] = [];
      const at: number[] = [];
      stem.task(
        'flaky',
        (_args, ctx) => {
          attempts.push(ctx.attempt);
          at.push(performance.now());
          if (ctx.attempt < 2) throw new Error('not yet');
          return 'ok';
        },
        { retry: { delay: 40, jitter: false } },
      );
      await stem.worker().start();
      const task = await stem.client.enqueue('flaky');

      expect(await task.result({ timeout: '5s' })).toBe('ok');
      expect(attempts).toEqual([0, 1, 2]);
      expect((at[1] as number) - (at[0] as number)).toBeGreaterThanOrEqual(38);
      expect((at[2] as number) - (at[1] as number)).toBeGreaterThanOrEqual(78);
      expect(await task.status()).toMatchObject({ attempt: 2, deliveries: 3 });
    });

    it('dead-letters a task when its retries are used up', async () => {
      stem.task('bad', () => Promise.reject(new TypeError('broken')), { maxRetries: 2 });
      await stem.worker().start();
      const task = await stem.client.enqueue('bad', { x: 1 });

      const error = await task.result({ timeout: '5s' }).catch((thrown: unknown) => thrown);

      expect(error).toBeInstanceOf(TaskFailedError);
      expect((error as TaskFailedError).cause).toMatchObject({
        name: 'TypeError',
        message: 'broken',
      });
      const [dead] = await stem.client.deadLetters.list({ queue: 'default', limit: 10 });
      expect(dead).toMatchObject({ id: task.id, args: { x: 1 }, attempt: 2, state: 'failed' });
    });

    it('runs a replayed dead letter again, with its attempts started over', async () => {
      let healthy = false;
      stem.task(
        'mended',
        (_args, ctx) => {
          if (!healthy) throw new Error('down');
          return ctx.attempt;
        },
        { maxRetries: 0 },
      );
      await stem.worker().start();
      const task = await stem.client.enqueue('mended');
      await expect(task.result({ timeout: '5s' })).rejects.toThrow(TaskFailedError);

      healthy = true;
      await stem.client.deadLetters.replay({ ids: [task.id] });

      expect(await task.result({ timeout: '5s' })).toBe(0);
    });

    it('does not try again after an UnrecoverableTaskError', async () => {
      let runs = 0;
      stem.task('hopeless', () => {
        runs++;
        throw new UnrecoverableTaskError('no such customer');
      });
      await stem.worker().start();
      const task = await stem.client.enqueue('hopeless');

      await expect(task.result({ timeout: '5s' })).rejects.toThrow(/no such customer/);
      expect(runs).toBe(1);
    });

    it('tries again only for the errors that its policy names', async () => {
      let runs = 0;
      stem.task(
        'picky',
        () => {
          runs++;
          throw runs === 1 ? new RangeError('again') : new TypeError('never');
        },
        { retry: { delay: 5, jitter: false, retryOn: [RangeError], doNotRetryOn: [TypeError] } },
      );
      await stem.worker().start();
      const task = await stem.client.enqueue('picky');

      await expect(task.result({ timeout: '5s' })).rejects.toThrow(/never/);
      expect(runs).toBe(2);
    });

    it('retries on the request of the handler, when it says', async () => {
      const at: number[] = [];
      stem.task('asks', (_args, ctx) => {
        at.push(performance.now());
        if (ctx.attempt === 0) ctx.retry({ delay: 60, reason: 'later' });
        return 'second';
      });
      await stem.worker().start();
      const task = await stem.client.enqueue('asks');

      expect(await task.result({ timeout: '5s' })).toBe('second');
      expect((at[1] as number) - (at[0] as number)).toBeGreaterThanOrEqual(58);
    });

    const circular = new Error('circular');
    circular.cause = new Error('middle', { cause: circular });
    it.each([
      ['undefined', undefined, /undefined/],
      ['null', null, /null/],
      ['a text', 'plain text', /plain text/],
      ['a frozen error', Object.freeze(new Error('frozen')), /frozen/],
      ['an error with a circular cause', circular, /circular/],
      [
        'an error whose message cannot be read',
        Object.defineProperty(new Error(), 'message', {
          get: () => {
            throw new Error('no');
          },
        }),
        /./,
      ],
    ])('survives a handler that throws %s', async (_what, thrown, message) => {
      const handler = jest.fn().mockRejectedValue(thrown);
      stem.task('odd', handler, { maxRetries: 0 });
      stem.task('fine', () => 'fine');
      await stem.worker().start();
      const task = await stem.client.enqueue('odd');

      await expect(task.result({ timeout: '5s' })).rejects.toThrow(message);
      const next = await stem.client.enqueue('fine');
      expect(await next.result({ timeout: '5s' })).toBe('fine');
    });

    it('dead-letters a result that JSON cannot carry, without running the task again', async () => {
      let runs = 0;
      stem.task('big', () => (runs++, { n: 1n }));
      await stem.worker().start();
      const task = await stem.client.enqueue('big');

      await expect(task.result({ timeout: '5s' })).rejects.toThrow(/bigint/);
      expect(runs).toBe(1);
    });

    it('gives a task without a handler some tries, for a deploy under way', async () => {
      stem.task('elsewhere', undefined, { maxRetries: 1 });
      await stem.worker().start();
      const task = await stem.client.enqueue('elsewhere');

      await expect(task.result({ timeout: '5s' })).rejects.toThrow(/elsewhere/);
      expect(await task.status()).toMatchObject({ attempt: 1 });
    });
  });

  describe('limits and cancelling', () => {
    it('aborts the signal at the soft limit, and the handler may still finish', async () => {
      stem.task(
        'soft',
        (_args, { signal }) =>
          new Promise((resolve) => {
            signal.addEventListener('abort', () => resolve((signal.reason as Error).name));
          }),
        { softTimeLimit: 30 },
      );
      await stem.worker().start();
      const task = await stem.client.enqueue('soft');

      expect(await task.result({ timeout: '5s' })).toBe('SoftTimeLimitError');
    });

    it('ends the attempt at the hard limit and drops what comes later', async () => {
      const go = gate<string>();
      stem.task('hard', () => go.promise, { hardTimeLimit: 30, maxRetries: 0 });
      await stem.worker().start();
      const task = await stem.client.enqueue('hard');

      await expect(task.result({ timeout: '5s' })).rejects.toThrow(/hard time limit of 30 ms/);
      go.open('too late');
      await new Promise((resolve) => setImmediate(resolve));
      expect(await task.status()).toMatchObject({ state: 'failed', result: undefined });
    });

    it('cancels a running task through its signal, and does not try it again', async () => {
      const started = gate();
      let runs = 0;
      stem.task('long', (_args, { signal }) => {
        runs++;
        started.open();
        return new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason as Error));
        });
      });
      await stem.worker().start();
      const task = await stem.client.enqueue('long');
      await started.promise;

      await stem.client.cancel(task.id, { reason: 'not needed' });

      await expect(task.result({ timeout: '5s' })).rejects.toThrow(TaskCancelledError);
      expect(runs).toBe(1);
    });

    it('cancels a waiting task at once', async () => {
      stem.task('later', () => 'ran');
      const task = await stem.client.enqueue('later', {}, { delay: '1h' });
      await stem.client.cancel(task.id, { reason: 'changed my mind' });

      await expect(task.result({ timeout: '5s' })).rejects.toThrow(/changed my mind/);
    });

    it('does not run a task that expired while it waited', async () => {
      let runs = 0;
      stem.task('fresh', () => void runs++);
      const task = await stem.client.enqueue('fresh', {}, { expires: 20 });
      await new Promise((resolve) => setTimeout(resolve, 40));
      await stem.worker().start();

      await expect(task.result({ timeout: '5s' })).rejects.toThrow(TaskExpiredError);
      expect(runs).toBe(0);
    });

    it('never starts a delayed task early', async () => {
      const at = gate<number>();
      stem.task('later', () => at.open(performance.now()));
      await stem.worker().start();
      const from = performance.now();
      await stem.client.enqueue('later', {}, { delay: 120 });

      const waited = (await at.promise) - from;
      expect(waited).toBeGreaterThanOrEqual(119);
    });
  });

  describe('stopping', () => {
    it('finishes what runs and gives the rest back unharmed', async () => {
      const started = gate();
      const go = gate();
      stem.task('slow', async () => {
        started.open();
        await go.promise;
        return 'finished';
      });
      const [first, second] = await stem.client.enqueueMany([
        { task: 'slow', args: {} },
        { task: 'slow', args: {} },
      ]);
      const worker = stem.worker({ concurrency: 1 });
      await worker.start();
      await started.promise;

      const stopped = worker.stop({ graceMs: 5_000 });
      await eventually(async () => {
        expect(await second.status()).toMatchObject({ state: 'queued', deliveries: 0 });
      });
      go.open();
      await stopped;

      expect(await first.status()).toMatchObject({ state: 'succeeded', result: 'finished' });
      expect(worker.state).toBe('stopped');
    });

    it('releases what does not end by the deadline without spending an attempt or a delivery', async () => {
      const started = gate<AbortSignal>();
      stem.task('endless', (_args, { signal }) => {
        started.open(signal);
        return new Promise(() => undefined);
      });
      const task = await stem.client.enqueue('endless');
      const worker = stem.worker();
      await worker.start();
      const signal = await started.promise;

      await worker.stop({ graceMs: 50 });

      expect(signal.reason).toBeInstanceOf(WorkerStoppingError);
      expect(await task.status()).toMatchObject({ state: 'queued', attempt: 0, deliveries: 0 });
    });

    it('hands a released task to another worker at once', async () => {
      const started = gate();
      let runs = 0;
      stem.task('twice', (_args, { signal }) => {
        if (runs++ > 0) return 'second';
        started.open();
        return new Promise((_resolve, reject) =>
          signal.addEventListener('abort', () => reject(signal.reason as Error)),
        );
      });
      const task = await stem.client.enqueue('twice');
      const first = stem.worker();
      await first.start();
      await started.promise;
      await stem.worker().start();

      await first.stop({ mode: 'soft' });

      expect(await task.result({ timeout: '5s' })).toBe('second');
      expect(await task.status()).toMatchObject({ attempt: 0, deliveries: 1 });
    });

    it('lets a handler enqueue while it drains', async () => {
      const started = gate();
      const go = gate();
      stem.task('parent', async (_args, ctx) => {
        started.open();
        await go.promise;
        return (await ctx.enqueue('child')).created;
      });
      stem.task('child', () => undefined);
      const task = await stem.client.enqueue('parent');
      const worker = stem.worker();
      await worker.start();
      await started.promise;

      const stopped = worker.stop();
      go.open();
      await stopped;

      expect(await task.result({ timeout: '5s' })).toBe(true);
    });
  });

  it('emits its signals in order', async () => {
    const names: SignalName[] = [];
    const listen: SignalName[] = [
      'beforeTaskPublish',
      'afterTaskPublish',
      'taskReceived',
      'taskPrerun',
      'taskSucceeded',
      'taskFailed',
      'taskRetry',
      'taskRevoked',
      'taskPostrun',
      'workerInit',
      'workerReady',
      'workerStopping',
      'workerShutdown',
    ];
    for (const name of listen) stem.signals.on(name, () => void names.push(name));
    const over = gate();
    stem.signals.on('taskPostrun', ({ outcome }) => {
      if (outcome === 'succeeded') over.open();
    });
    stem.task('once', (_args, ctx) => {
      if (ctx.attempt === 0) throw new Error('first');
    });
    const worker = stem.worker();
    await worker.start();
    await stem.client.enqueue('once');
    await over.promise;
    await worker.stop();

    const published = names.filter((name) => name.endsWith('Publish'));
    expect(published).toEqual(['beforeTaskPublish', 'afterTaskPublish']);
    expect(names.filter((name) => !name.endsWith('Publish'))).toEqual([
      'workerInit',
      'workerReady',
      'taskReceived',
      'taskPrerun',
      'taskRetry',
      'taskPostrun',
      'taskReceived',
      'taskPrerun',
      'taskSucceeded',
      'taskPostrun',
      'workerStopping',
      'workerShutdown',
    ]);
  });
});
