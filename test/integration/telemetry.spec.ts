import { context, SpanKind, trace } from '@opentelemetry/api';
import { type INestApplicationContext, Injectable } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import {
  EnqueueOptionError,
  Schedule,
  StemClient,
  StemModule,
  Task,
  TaskArgsError,
  type TaskContext,
  UnrecoverableTaskError,
} from 'nestjs-stem';
import { loadTelemetry } from '../../libs/stem/src/telemetry/load-telemetry.js';
import { eventually } from '../contract/broker-harness.js';
import { type RedisServer, startRedisServer } from '../support/redis-server.js';
import {
  freshNamespace,
  gate,
  memoryStem,
  redisStem,
  RememberingLogger,
  type TestStem,
} from '../support/stem.js';
import { type SeenMetric, type SeenSpan, startTelemetry } from '../support/telemetry.js';
import { WorkerProcess } from '../support/worker-process.js';

const SOON = { timeout: '10s' } as const;
const stems: TestStem[] = [];
const kept = <T extends TestStem>(stem: T): T => {
  stems.push(stem);
  return stem;
};
afterEach(() => Promise.all(stems.splice(0).map((stem) => stem.close())));

describe('with an SDK', () => {
  let sdk: ReturnType<typeof startTelemetry>;
  beforeEach(() => {
    sdk = startTelemetry({ propagator: true });
  });
  afterEach(() => sdk.stop());

  /** The span of a name; there must be one. */
  const spanOf = (spans: readonly SeenSpan[], name: string): SeenSpan => {
    const found = spans.filter((span) => span.name === name);
    expect(found.map((span) => span.name)).toEqual([name]);
    return found[0] as SeenSpan;
  };

  describe('a task in two processes', () => {
    let redis: RedisServer;
    beforeAll(async () => {
      redis = await startRedisServer();
    });
    afterAll(() => redis.stop());
    afterEach(() => WorkerProcess.killAll());

    it('is one trace, from the caller through its handler to the task that it enqueues', async () => {
      const namespace = freshNamespace();
      const stem = kept(await redisStem(redis.url(), namespace));
      await stem.task('parent', undefined).task('echo', undefined).trace();
      const worker = await WorkerProcess.start({
        redisUrl: redis.url(),
        namespace,
        telemetry: true,
      });

      const caller = trace.getTracer('app').startSpan('request');
      const task = await context.with(trace.setSpan(context.active(), caller), () =>
        stem.client.enqueue('parent', { n: 1 }, { headers: { tenant: 'a' }, priority: 3 }),
      );
      caller.end();
      await task.result(SOON);
      await worker.prints(/("name":"stem.consume"[^]*){2}/);
      const there = worker.output
        .split('\n')
        .filter((line) => line.startsWith('span '))
        .map((line) => JSON.parse(line.slice('span '.length)) as SeenSpan);
      const execute = spanOf(there, 'stem.execute.parent');
      const consume = there.find(({ spanId }) => spanId === execute.parentId);
      const enqueue = spanOf(sdk.spans(), 'stem.enqueue');
      const childEnqueue = spanOf(there, 'stem.enqueue');
      const childExecute = spanOf(there, 'stem.execute.echo');
      const childConsume = there.find(({ spanId }) => spanId === childExecute.parentId);

      expect(enqueue).toMatchObject({
        kind: SpanKind.PRODUCER,
        parentId: caller.spanContext().spanId,
        attributes: {
          'stem.task': 'parent',
          'stem.task.id': task.id,
          'stem.task.priority': 3,
          'stem.task.created': true,
          'stem.queue': 'default',
        },
      });
      expect(consume).toMatchObject({
        name: 'stem.consume',
        kind: SpanKind.CONSUMER,
        parentId: enqueue.spanId,
        attributes: { 'stem.outcome': 'succeeded' },
      });
      expect(execute).toMatchObject({
        kind: SpanKind.INTERNAL,
        attributes: {
          'stem.task': 'parent',
          'stem.task.id': task.id,
          'stem.task.attempt': 0,
          'stem.task.max_retries': 3,
          'stem.task.priority': 3,
          'stem.queue': 'default',
          'stem.namespace': 'test',
          'stem.worker.id': expect.stringMatching(/^worker-/),
          'host.name': expect.any(String),
        },
      });
      expect(spanOf(there, 'app.work').parentId).toBe(execute.spanId);
      expect(childEnqueue.parentId).toBe(execute.spanId);
      expect(childConsume).toMatchObject({ name: 'stem.consume', parentId: childEnqueue.spanId });
      expect(childExecute.attributes).toMatchObject({
        'stem.parent_task_id': task.id,
        'stem.root_task_id': task.id,
      });
      const traces = [...sdk.spans(), ...there].map(({ traceId }) => traceId);
      expect(new Set(traces)).toEqual(new Set([caller.spanContext().traceId]));

      // What travels is a header of the standard; those that were given stay.
      expect((await task.status())?.headers).toEqual({
        tenant: 'a',
        traceparent: `00-${enqueue.traceId}-${enqueue.spanId}-01`,
      });
    });
  });

  describe('in one process', () => {
    let stem: TestStem;
    beforeEach(async () => {
      stem = await kept(memoryStem()).trace();
      stem.task('echo', (args) => args);
    });

    it('gives every task of a batch a span of its own', async () => {
      const tasks = await stem.client.enqueueMany([{ task: 'echo' }, { task: 'echo' }]);
      const spans = sdk.spans();
      expect(spans.map(({ attributes }) => attributes['stem.task.id'])).toEqual(
        tasks.map(({ id }) => id),
      );
      const headers = await Promise.all(tasks.map(async (one) => (await one.status())?.headers));
      expect(headers.map((one) => one?.['traceparent']?.split('-')[2])).toEqual(
        spans.map(({ spanId }) => spanId),
      );
    });

    it('shows how attempts fail, one trace for all of them', async () => {
      stem.task('shaky', (_args, { attempt }) => {
        if (attempt === 0) throw new RangeError('not yet');
        throw new UnrecoverableTaskError('never');
      });
      await stem.worker().start();
      const task = await stem.client.enqueue('shaky');
      await expect(task.result(SOON)).rejects.toThrow('never');
      await eventually(() => expect(sdk.spans()).toHaveLength(5));

      const spans = sdk.spans();
      expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(1);
      expect(spans.filter(({ name }) => name === 'stem.execute.shaky')).toMatchObject([
        { status: 2, events: ['exception'], attributes: { 'stem.task.attempt': 0 } },
        { status: 2, events: ['exception'], attributes: { 'stem.task.attempt': 1 } },
      ]);
      expect(spans.filter(({ name }) => name === 'stem.consume')).toMatchObject([
        { status: 0, attributes: { 'stem.outcome': 'retrying' } },
        { status: 2, attributes: { 'stem.outcome': 'failed', 'stem.reason': 'unrecoverable' } },
      ]);
    });

    it('does not let the span of one handler reach the next', async () => {
      await stem.worker({ concurrency: 1 }).start();
      const tasks = await stem.client.enqueueMany(Array(5).fill({ task: 'echo' }) as never);
      await Promise.all((tasks as { result(o: object): unknown }[]).map((one) => one.result(SOON)));
      await eventually(() => expect(sdk.spans()).toHaveLength(15));
      expect(new Set(sdk.spans().map(({ traceId }) => traceId)).size).toBe(5);
    });

    it('ends the span of what was never sent, and refuses it as ever', async () => {
      await expect(stem.client.enqueue('echo', { n: 1n })).rejects.toThrow(TaskArgsError);
      await expect(stem.client.enqueue('echo', {}, { headers: 'no' as never })).rejects.toThrow(
        TaskArgsError,
      );
      await expect(stem.client.enqueue('echo', {}, { prioritty: 1 } as never)).rejects.toThrow(
        EnqueueOptionError,
      );
      await expect(stem.client.enqueue(undefined as never)).rejects.toThrow();
      expect(sdk.spans()).toMatchObject(Array(4).fill({ name: 'stem.enqueue', status: 2 }));
    });

    it('counts and measures', async () => {
      stem
        .task('fails', () => {
          throw new UnrecoverableTaskError('no');
        })
        .task('again', (_args, { attempt }) => {
          if (attempt === 0) throw new Error('once');
        });
      await stem.client.enqueueMany([
        { task: 'echo', options: { id: 'one' } },
        { task: 'echo', options: { id: 'one' } },
        { task: 'fails' },
        { task: 'again' },
        { task: 'echo', options: { id: 'waits', delay: '1h' } },
      ]);
      await stem.client.cancel('waits');
      await stem.worker({ name: 'w', concurrency: 4, visibilityTimeoutMs: 1_000 }).start();
      await eventually(async () => {
        expect((await stem.client.queues.stats('default')).succeeded).toBe(2);
        expect((await stem.client.queues.stats('default')).deadLetters).toBe(1);
      });
      const { replayed } = await stem.client.deadLetters.replay({ queue: 'default', delay: '1h' });
      expect(replayed).toHaveLength(1);

      let seen: SeenMetric[] = [];
      const value = (name: string, task?: string): SeenMetric['value'] | undefined =>
        seen.find((one) => one.name === name && (!task || one.attributes['task'] === task))?.value;
      await eventually(async () => {
        seen = await sdk.metrics();
        expect(value('stem.lease.renewed')).toBeGreaterThanOrEqual(1);
      });
      expect({
        enqueued: value('stem.tasks.enqueued', 'echo'),
        deduplicated: value('stem.tasks.deduplicated', 'echo'),
        started: value('stem.tasks.started', 'again'),
        succeeded: value('stem.tasks.succeeded', 'echo'),
        failed: value('stem.tasks.failed', 'fails'),
        retried: value('stem.tasks.retried', 'again'),
        revoked: value('stem.tasks.revoked', 'echo'),
        replayed: value('stem.replay.count'),
        inflight: value('stem.worker.inflight'),
        concurrency: value('stem.worker.concurrency'),
        depth: value('stem.queue.depth'),
      }).toEqual({
        enqueued: 2,
        deduplicated: 1,
        started: 2,
        succeeded: 1,
        failed: 1,
        retried: 1,
        revoked: 1,
        replayed: 1,
        inflight: 0,
        concurrency: 4,
        depth: 0,
      });
      expect(value('stem.task.duration', 'again')).toMatchObject({ count: 2 });
      expect(seen.find(({ name }) => name === 'stem.worker.concurrency')?.attributes).toEqual({
        worker: 'w',
        namespace: 'test',
      });
    });
  });
});

describe('an application with an SDK', () => {
  it('traces and measures by itself, its schedules too, unless told not to', async () => {
    const sdk = startTelemetry({ propagator: true });
    const execution = gate<string | undefined>();
    @Injectable()
    class Jobs {
      @Task('tick')
      @Schedule('every:1s', { id: 'often' })
      tick(_args: unknown, { headers }: TaskContext): void {
        execution.open(headers['traceparent']);
      }
    }
    const boot = async (telemetry?: boolean): Promise<INestApplicationContext> => {
      const module = await Test.createTestingModule({
        imports: [
          StemModule.forRoot({
            logger: new RememberingLogger(),
            ...(telemetry === undefined ? {} : { telemetry }),
          }),
        ],
        providers: [Jobs],
      }).compile();
      return module.init();
    };
    const deaf = await boot(false);
    const app = await boot();
    try {
      await app.get(StemClient).enqueue('tick', {}, { queue: 'nobody' });
      expect(await execution.promise).toBeUndefined(); // a tick begins a trace of its own
      await eventually(() => expect(sdk.spans().map(({ name }) => name)).toContain('stem.consume'));
      expect(sdk.spans().filter(({ name }) => name === 'stem.enqueue')).toHaveLength(1);
      const seen = await sdk.metrics();
      const value = (name: string): SeenMetric['value'] | undefined =>
        seen.find((one) => one.name === name)?.value;
      expect(value('stem.scheduler.dispatch.attempts')).toBeGreaterThanOrEqual(1);
      expect(value('stem.scheduler.dispatch.success')).toBeGreaterThanOrEqual(1);
      for (const name of ['dispatch.duration', 'drift', 'overdue.lag']) {
        expect(value(`stem.scheduler.${name}`)).toMatchObject({ count: expect.any(Number) });
      }
      expect(value('stem.scheduler.due.entries')).toBe(0);
      expect(value('stem.scheduler.overdue.entries')).toBe(0);
      expect(value('stem.worker.concurrency')).toBe(10);
    } finally {
      await app.close();
      await deaf.close();
      await sdk.stop();
    }
  });
});

describe('without an SDK', () => {
  it('loads nothing, and traces nothing', async () => {
    const { observers, signals } = memoryStem();
    const parts = { namespace: 'test', observers, signals };
    expect(await loadTelemetry(undefined, parts)).toBeUndefined();
    expect(await loadTelemetry(false, parts)).toBeUndefined();
    expect(observers.isActive).toBe(false);
  });

  it('works all the same when it is wanted, and sends no headers', async () => {
    const stem = await kept(memoryStem()).trace(true);
    stem.task('echo', (args) => args);
    await stem.worker().start();
    const task = await stem.client.enqueue('echo', 7, { headers: { tenant: 'a' } });
    expect(await task.result(SOON)).toBe(7);
    expect((await task.status())?.headers).toEqual({ tenant: 'a' });
  });

  it('passes on what another process traces', async () => {
    const stem = await kept(memoryStem()).trace(true);
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    stem.task('child', (_args, { headers }) => headers['traceparent']);
    await stem.worker().start();
    const task = await stem.client.enqueue('child', {}, { headers: { traceparent } });
    expect(await task.result(SOON)).toBe(traceparent);
  });
});
