import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { INestApplication, ModuleMetadata } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { context, metrics, propagation, trace } from '@opentelemetry/api';
import { InMemorySpanExporter } from '@opentelemetry/sdk-trace-base';
import { StemClient, StemModule, Task, type TaskContext } from 'nestjs-stem';
import { until } from '../../support/example-process.js';
import { start } from '../support/application.js';
import { HealthModule } from './health.module.js';
import { look } from './look.js';
import { MetricsController } from './metrics.controller.js';
import { OrderTasks } from './order.tasks.js';
import { SilentModule, WithoutEventsModule } from './quiet.module.js';
import { startTelemetry } from './telemetry.js';
import { tellWorkers } from './tell-workers.js';
import { WorkerProbe } from './worker.probe.js';

class Emails {
  @Task('email.send')
  send(): void {}

  @Task('email.bounce', { maxRetries: 0 })
  bounce(): never {
    throw new Error('no such address');
  }

  @Task('email.import')
  async import(_args: unknown, { signal }: TaskContext): Promise<void> {
    await once(signal, 'abort');
    signal.throwIfAborted();
  }
}

afterEach(() => jest.restoreAllMocks());

/** What is printed, a line for each call. */
function printed(): unknown[][] {
  const lines: unknown[][] = [];
  jest.spyOn(console, 'log').mockImplementation((...line) => void lines.push(line));
  return lines;
}

/** Until what a process has counted has reached the broker. */
const counted = (stem: StemClient): Promise<unknown> =>
  until('two ends are counted', 5_000, async () => {
    const { tasks } = await stem.metrics();
    const ends = tasks.reduce((sum, { succeeded, failed }) => sum + succeeded + failed, 0);
    return ends === 2 ? true : undefined;
  });

async function runTwo(stem: StemClient): Promise<void> {
  await (await stem.enqueue('email.send')).result();
  await (await stem.enqueue('email.bounce')).result().catch(() => undefined);
}

const monitor = { flushInterval: '20ms' } as const;

describe('looking', () => {
  it('shows workers, counts, health and events', async () => {
    const app = await start({
      imports: [StemModule.forRoot({ monitor, worker: { name: 'mail-1', concurrency: 5 } })],
      providers: [Emails],
    });
    const stem = app.get(StemClient);
    await runTwo(stem);
    await counted(stem);
    const lines = printed();
    const stop = new AbortController();
    const looking = look(stem, stop.signal);
    await until('it follows', 5_000, () => (lines.length >= 4 ? true : undefined));
    await runTwo(stem);
    await until('the failure is told', 5_000, () =>
      lines.some(([, type]) => type === 'task-failed') ? true : undefined,
    );
    stop.abort();
    await looking;

    const ms = expect.stringMatching(/^[\d.]+ ms$/);
    const waited = expect.stringMatching(/^waited [\d.]+ ms$/);
    expect(lines.slice(0, 4)).toEqual([
      ['mail-1', expect.any(String), '0 of 5'],
      ['email.bounce', 'default', 0, 1, ms, waited],
      ['email.send', 'default', 1, 0, ms, waited],
      ['all is well'],
    ]);
    const events = lines.slice(4);
    expect(events).toContainEqual([expect.any(Date), 'task-succeeded', 'email.send', undefined]);
    expect(events).toContainEqual([
      expect.any(Date),
      'task-failed',
      'email.bounce',
      expect.any(String),
    ]);
  });
});

describe('the probe of a worker', () => {
  it('is healthy as long as there is one that works', async () => {
    const app = await start({ imports: [StemModule.forRoot()], providers: [WorkerProbe] });
    const probe = app.get(WorkerProbe);
    await until('the worker has started', 5_000, () => (probe.isHealthy() ? true : undefined));
  });

  it('is not where there is no worker', async () => {
    const imports = [StemModule.forRoot({ worker: false })];
    const app = await start({ imports, providers: [WorkerProbe] });
    expect(app.get(WorkerProbe).isHealthy()).toBe(false);
  });
});

describe('telling workers what to do', () => {
  it('reaches those that are named', async () => {
    const boot = async (name: string): Promise<StemClient> => {
      const app = await start({
        imports: [
          StemModule.forRoot({
            broker: 'memory://told',
            worker: { name, queues: ['default', 'reports'], heartbeatInterval: '50ms' },
          }),
        ],
        providers: [Emails],
      });
      return app.get(StemClient);
    };
    const stem = await boot('mail-1');
    const running = await stem.enqueue('email.import');
    await until('it runs', 5_000, async () =>
      (await running.status())?.state === 'running' ? true : undefined,
    );
    const other = await boot('mail-2');
    await until('both are known', 5_000, async () =>
      (await stem.workers.list()).length === 2 ? true : undefined,
    );

    const lines = printed();
    const ended = expect(running.result()).rejects.toThrow('wrong file');
    await tellWorkers(stem, [running.id]);
    expect(lines).toEqual([
      [expect.stringContaining('mail-1'), 'ready'],
      [expect.stringContaining('mail-2'), 'ready'],
      [running.id, 'email.import', 'default', 'running', expect.any(Number)],
    ]);
    await ended;
    const left = await until('mail-1 has gone', 5_000, async () => {
      const workers = await other.workers.list();
      return workers.length === 1 && workers[0]?.paused.length === 1 ? workers : undefined;
    });
    expect(left).toMatchObject([{ name: 'mail-2', paused: ['reports'] }]);
  });
});

describe('over HTTP', () => {
  let server: INestApplication;
  let url: string;

  async function listen(metadata: ModuleMetadata): Promise<StemClient> {
    const module = await Test.createTestingModule(metadata).compile();
    server = module.createNestApplication();
    server.useLogger(false);
    await server.listen(0, '127.0.0.1');
    const { port } = (server.getHttpServer() as { address(): AddressInfo }).address();
    url = `http://127.0.0.1:${port}`;
    return server.get(StemClient);
  }
  afterEach(() => server.close());

  it('Prometheus gets the numbers of all processes', async () => {
    const stem = await listen({
      imports: [StemModule.forRoot({ monitor })],
      controllers: [MetricsController],
      providers: [Emails],
    });
    await runTwo(stem);
    await counted(stem);
    const response = await fetch(`${url}/metrics`);
    expect(response.headers.get('content-type')).toMatch(/^text\/plain; ?version=0\.0\.4/);
    const text = await response.text();
    expect(text).toMatch(/^stem_window_seconds 3\d\d(\.\d+)?$/m);
    expect(text).toMatch(
      /^stem_task_window_events\{task="email\.bounce",queue="default",event="failed"\} 1$/m,
    );
    expect(text).toMatch(/^stem_queue_dead_letters\{queue="default"\} 1$/m);
  });

  it('health endpoints tell the process from the whole', async () => {
    const stem = await listen({
      imports: [HealthModule, StemModule.forRoot({ worker: false })],
      providers: [Emails],
    });
    await stem.enqueue('email.send');
    const answer = async (path: string): Promise<unknown> => {
      const response = await fetch(url + path);
      return [response.status, await response.json()];
    };
    expect(await answer('/health/ready')).toMatchObject([
      200,
      { status: 'ok', info: { stem: { status: 'up' } } },
    ]);
    expect(await answer('/health/jobs')).toMatchObject([
      503,
      { status: 'error', error: { jobs: { status: 'down', workers: { healthy: false } } } },
    ]);
  });
});

describe('OpenTelemetry', () => {
  it('sees one trace from the enqueuing code to the child task', async () => {
    const exporter = new InMemorySpanExporter();
    const provider = startTelemetry(exporter);
    try {
      const app = await start({ imports: [StemModule.forRoot()], providers: [OrderTasks] });
      const stem = app.get(StemClient);
      await trace.getTracer('shop').startActiveSpan('POST /orders', async (request) => {
        await stem.enqueue('order.ship', { orderId: 'order-1' });
        request.end();
      });
      const spans = await until('all spans have ended', 5_000, async () => {
        await provider.forceFlush();
        const ended = exporter.getFinishedSpans();
        return ended.length >= 7 ? ended : undefined;
      });
      const names = new Map(spans.map((span) => [span.spanContext().spanId, span.name]));
      const below = spans.map(({ name, parentSpanContext }) => [
        name,
        names.get(parentSpanContext?.spanId ?? ''),
      ]);
      expect(below).toEqual(
        expect.arrayContaining([
          ['POST /orders', undefined],
          ['stem.enqueue', 'POST /orders'],
          ['stem.consume', 'stem.enqueue'],
          ['stem.execute.order.ship', 'stem.consume'],
          ['stem.enqueue', 'stem.execute.order.ship'],
          ['stem.execute.label.print', 'stem.consume'],
        ]),
      );
      expect(new Set(spans.map((span) => span.spanContext().traceId)).size).toBe(1);
      expect(
        spans.find(({ name }) => name === 'stem.execute.order.ship')?.attributes,
      ).toMatchObject({ 'order.id': 'order-1', 'stem.task': 'order.ship' });
    } finally {
      await provider.shutdown();
      for (const api of [trace, context, propagation, metrics]) api.disable();
    }
  });
});

describe('switched off', () => {
  it('nothing is heard of a process without a monitor', async () => {
    const app = await start({ imports: [SilentModule], providers: [Emails] });
    const stem = app.get(StemClient);
    await runTwo(stem);
    expect(await stem.workers.list()).toEqual([]);
    expect(await stem.events.read()).toEqual([]);
  });

  it('of one without events there are heartbeats and metrics', async () => {
    const app = await start({ imports: [WithoutEventsModule], providers: [Emails] });
    const stem = app.get(StemClient);
    await runTwo(stem);
    await counted(stem);
    expect(await stem.workers.list()).toHaveLength(1);
    expect(await stem.events.read()).toEqual([]);
  });
});
