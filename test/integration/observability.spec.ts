import { setTimeout as delay } from 'node:timers/promises';
import type { StemEvent } from '../../libs/stem/src/client/events.js';
import type { StemMetrics, TaskMetrics } from '../../libs/stem/src/client/metrics.js';
import type { WorkerInfo } from '../../libs/stem/src/client/workers.js';
import type { NestProgramOptions } from '../support/nest-program.js';
import { type RedisServer, startRedisServer } from '../support/redis-server.js';
import { freshNamespace, redisStem, type TestStem } from '../support/stem.js';
import { WorkerProcess } from '../support/worker-process.js';

const PATIENCE_MS = 20_000;

let server: RedisServer;
let namespace: string;
/** An operator: it enqueues nothing, runs nothing, and sends nothing. */
let stem: TestStem;

beforeAll(async () => {
  server = await startRedisServer();
});

afterAll(() => server.stop());

beforeEach(async () => {
  namespace = freshNamespace();
  stem = await redisStem(server.url(), namespace);
  stem.task('work.fine', undefined).task('work.long', undefined, { maxRetries: 0 });
});

afterEach(async () => {
  await WorkerProcess.killAll();
  await stem.close();
});

const start = (more: Partial<NestProgramOptions> = {}): Promise<WorkerProcess> => {
  const options = { redisUrl: server.url(), namespace, program: 'nest-program.ts', ...more };
  return WorkerProcess.start(options);
};

/** What is read again and again until it is as it should be. */
async function until<T>(read: () => Promise<T>, isRight: (value: T) => boolean): Promise<T> {
  for (const deadline = Date.now() + PATIENCE_MS; ; await delay(20)) {
    const value = await read();
    if (isRight(value)) return value;
    if (Date.now() > deadline) throw new Error(`It stayed like this: ${JSON.stringify(value)}`);
  }
}

const workers = (): Promise<WorkerInfo[]> => stem.client.workers.list();

describe('what operators see of several processes', () => {
  it('counts what all of them did, once', async () => {
    await Promise.all([start(), start()]);
    await start({ enqueue: 30 });
    const taskOf = ({ tasks }: StemMetrics, name: string): TaskMetrics | undefined =>
      tasks.find(({ task }) => task === name);
    const metrics = await until(
      () => stem.client.metrics(),
      (seen) =>
        taskOf(seen, 'work.fine')?.succeeded === 30 && taskOf(seen, 'work.bad')?.failed === 30,
    );

    const none = { cancelled: 0, expired: 0, leaseLost: 0 };
    const fine = { enqueued: 30, started: 30, succeeded: 30, failed: 0, retried: 0, ...none };
    const bad = { enqueued: 30, started: 90, succeeded: 0, failed: 30, retried: 60, ...none };
    expect(taskOf(metrics, 'work.fine')).toMatchObject({ ...fine, recent: fine, queue: 'default' });
    expect(taskOf(metrics, 'work.bad')).toMatchObject({ ...bad, recent: bad });
    const { runMs, waitMs } = taskOf(metrics, 'work.fine') as TaskMetrics;
    expect(runMs).toMatchObject({ count: 30 });
    expect(runMs.p50).toBeGreaterThan(17);
    expect(runMs.max).toBeGreaterThanOrEqual(runMs.p99);
    expect(waitMs).toMatchObject({ count: 30 });
    expect(metrics.queues).toMatchObject([
      { name: 'default', queued: 0, deadLetters: 30, oldestReadyAgeMs: undefined },
    ]);
    expect(metrics.queues[0]?.counts).toMatchObject({ enqueued: 60, started: 120 });
    const runs = (all: WorkerInfo[]): number[] => all.map(({ counts }) => counts.runs.succeeded);
    const both = await until(workers, (all) => runs(all).reduce((a, b) => a + b, 0) === 30);
    expect(both).toHaveLength(2);
    expect(runs(both)).not.toContain(0);

    const events = await stem.client.events.read({ after: '0', limit: 1_000 });
    const count = (type: string): number => events.filter((event) => event.type === type).length;
    expect(count('task-enqueued')).toBe(60);
    expect(count('task-succeeded')).toBe(30);
    expect(count('task-retried')).toBe(60);
    expect(count('task-failed')).toBe(30);
    expect(count('worker-online')).toBe(2);
    const dead = events.find(({ type }) => type === 'task-failed') as StemEvent;
    expect(dead).toMatchObject({
      task: { name: 'work.bad', queue: 'default', attempt: 2 },
      reason: 'retries-exhausted: always',
    });
    expect(both.map(({ id }) => id)).toContain(dead.worker);
  });

  it('shows a killed worker as not alive and then no more, and one that stops no more at once', async () => {
    const [killed, stopped] = await Promise.all([start(), start()]);
    const both = await until(workers, (seen) => seen.length === 2);
    expect(both).toMatchObject([
      { isAlive: true, state: 'ready', health: { status: 'healthy' }, concurrency: 4, prefetch: 8 },
      { isAlive: true, queues: ['default'], paused: [], running: 0, threads: 0 },
    ]);
    for (const { memory, eventLoopLagMs, startedAt, version } of both) {
      expect(memory.rssBytes).toBeGreaterThan(memory.heapUsedBytes);
      expect(eventLoopLagMs.p99).toBeGreaterThanOrEqual(0);
      expect(Date.now() - startedAt.getTime()).toBeLessThan(60_000);
      expect(version).toMatch(/^\d/);
    }
    expect(new Set(both.map(({ pid }) => pid)).size).toBe(2);

    await killed.end('SIGKILL');
    const seen = await until(workers, (all) => all.some(({ isAlive }) => !isAlive));
    expect(seen).toHaveLength(2);
    await until(workers, (all) => all.length === 1);
    expect(await stem.client.health()).toMatchObject({ healthy: true });

    await stopped.end('SIGTERM');
    expect(await workers()).toEqual([]);
    const types = (await stem.client.events.read()).map(({ type }) => type);
    expect(types.filter((type) => type === 'worker-offline')).toHaveLength(1);
    expect(types.filter((type) => type === 'beat-offline')).toHaveLength(1);
    const { healthy, checks } = await stem.client.health();
    expect(healthy).toBe(false);
    expect(checks).toContainEqual({
      name: 'workers',
      healthy: false,
      reason: 'No worker has sent a heartbeat. Start one.',
    });
  });

  it('tells of cancelled and waiting tasks, of pauses and of schedules', async () => {
    await start();
    const follower = new AbortController();
    const heard: StemEvent[] = [];
    const following = (async () => {
      for await (const event of stem.client.events.follow({
        signal: follower.signal,
        after: '0',
      })) {
        heard.push(event);
      }
    })();
    const long = await stem.client.enqueue('work.long');
    await until(workers, ([worker]) => worker?.running === 1);
    await long.cancel({ reason: 'too long' });
    await stem.client.queues.pause('default');
    await until(workers, ([worker]) => worker?.paused.includes('default') === true);
    await stem.client.enqueue('work.fine');
    const { queues } = await stem.client.metrics();
    expect(queues[0]?.oldestReadyAgeMs).toBeGreaterThanOrEqual(0);
    await stem.client.queues.resume('default');
    await stem.client.schedules.upsert({ id: 'often', task: 'work.fine', spec: 'every:1s' });

    const types = async () => new Set(heard.map(({ type }) => type));
    await until(types, (seen) => seen.has('schedule-dispatched') && seen.has('task-succeeded'));
    expect(heard.find(({ type }) => type === 'task-cancelled')).toMatchObject({
      task: { id: long.id, name: 'work.long' },
      reason: 'too long',
    });
    expect(heard.find(({ type }) => type === 'schedule-dispatched')).toMatchObject({
      schedule: { id: 'often', scheduledFor: expect.any(Date) },
      task: { name: 'work.fine' },
      worker: expect.stringMatching(/^beat-/),
    });
    expect((await stem.client.health()).checks).toContainEqual({ name: 'beat', healthy: true });
    follower.abort();
    await following;

    const counted = await until(
      () => stem.client.metrics(),
      ({ tasks }) => tasks.some(({ task, enqueued }) => task === 'work.fine' && enqueued > 0),
    );
    expect(counted.tasks.find(({ task }) => task === 'work.long')).toMatchObject({ cancelled: 1 });
  });

  it('goes on without Redis, and tells afterwards what happened', async () => {
    const own = await startRedisServer({ args: ['--appendonly', 'yes'] });
    const operator = await redisStem(own.url(), namespace);
    try {
      operator.task('work.fine', undefined);
      const worker = await start({ redisUrl: own.url() });
      await own.kill();
      await delay(500);
      await own.restart();
      await operator.client.enqueue('work.fine');
      await until(
        () => operator.client.metrics(),
        ({ tasks, workers: all }) => tasks[0]?.succeeded === 1 && all[0]?.isAlive === true,
      );
      // However the broker is, a worker stops in time.
      await own.kill();
      const { code, afterMs } = await worker.end('SIGTERM');
      expect(code).toBe(0);
      expect(afterMs).toBeLessThan(6_000);
    } finally {
      await operator.close();
      await own.stop();
    }
  });
});
