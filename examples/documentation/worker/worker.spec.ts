import 'reflect-metadata';
import type { AddressInfo } from 'node:net';
import type { INestApplication, ModuleMetadata } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { StemClient, StemModule, type StemOptions, Task } from 'nestjs-stem';
import { startRedisServer } from '../../../test/support/redis-server.js';
import { get, until } from '../../support/example-process.js';
import { HealthController } from './health.controller.js';
import { recordHeartbeats } from './heartbeats.js';
import { Meter } from './meter.js';
import { Metrics } from './metrics.js';
import { WorkerModule } from './worker.module.js';

let app: INestApplication | undefined;

async function start(metadata: ModuleMetadata, options?: StemOptions): Promise<INestApplication> {
  const imports = [...(metadata.imports ?? []), ...(options ? [StemModule.forRoot(options)] : [])];
  const module = await Test.createTestingModule({ ...metadata, imports }).compile();
  app = module.createNestApplication();
  app.useLogger(false);
  return app;
}

afterEach(() => app?.close());

describe('the options of a worker', () => {
  it('say what it takes, and how much of it at once', async () => {
    const { stem } = await ready(start({ imports: [WorkerModule] }));
    const [worker] = await until('the worker is known', 5_000, async () => {
      const workers = await stem.workers.list();
      return workers.length > 0 ? workers : undefined;
    });
    expect(worker).toMatchObject({
      queues: ['default', 'reports'],
      concurrency: 20,
      prefetch: 40,
      isAlive: true,
    });
  });
});

describe('the probe', () => {
  it('answers as long as the broker does', async () => {
    const redis = await startRedisServer();
    try {
      const { stem, server } = await ready(
        start(
          { controllers: [HealthController] },
          { broker: redis.url(), worker: false, allowUnknownTasks: true, commandTimeout: '200ms' },
        ),
      );
      await server.listen(0, '127.0.0.1');
      const { port } = (server.getHttpServer() as { address(): AddressInfo }).address();
      const url = `http://127.0.0.1:${port}/health`;
      await stem.enqueue('email.send');
      expect(await get(url)).toEqual({ status: 200, body: { queued: 1 } });

      await redis.kill();
      expect(await get(url)).toMatchObject({ status: 500 });
    } finally {
      await app?.close();
      app = undefined;
      await redis.stop();
    }
  });
});

describe('signals', () => {
  class Tasks {
    @Task('email.send')
    send(): void {}
    @Task('report.render')
    render(): void {}
    @Task('report.print', { maxRetries: 0 })
    print(): never {
      throw new Error('no paper');
    }
  }

  it('are heard by methods of providers, of one task or of all', async () => {
    const { stem, server } = await ready(start({ providers: [Tasks, Meter, Metrics] }, {}));
    await (await stem.enqueue('email.send')).result();
    await (await stem.enqueue('report.render')).result();
    await (await stem.enqueue('report.print')).result().catch(() => undefined);
    const { numbers } = server.get(Meter);
    await until('all have ended', 5_000, () => (numbers.length >= 4 ? true : undefined));
    expect(numbers).toEqual([
      { name: 'email_duration_ms', label: 'email.send', value: expect.any(Number) },
      { name: 'tasks_ended', label: 'email.send succeeded', value: 1 },
      { name: 'tasks_ended', label: 'report.render succeeded', value: 1 },
      { name: 'tasks_ended', label: 'report.print failed', value: 1 },
    ]);
  });

  it('are heard by functions, until these do not want it any more', async () => {
    const { stem, server } = await ready(
      start({ providers: [Meter] }, { worker: { heartbeatInterval: '20ms' } }),
    );
    const meter = server.get(Meter);
    const stopListening = recordHeartbeats(stem, meter);
    await until('a heartbeat', 5_000, () => (meter.numbers.length > 0 ? true : undefined));
    expect(meter.numbers.slice(0, 2)).toEqual([
      { name: 'tasks_running', label: 'running', value: 0 },
      { name: 'tasks_held', label: 'held', value: 0 },
    ]);

    stopListening();
    const before = meter.numbers.length;
    let heartbeats = 0;
    const stopCounting = stem.signals.on('workerHeartbeat', () => void heartbeats++);
    await until('two more heartbeats', 5_000, () => (heartbeats >= 2 ? true : undefined));
    stopCounting();
    expect(meter.numbers).toHaveLength(before);
  });
});

async function ready(
  starting: Promise<INestApplication>,
): Promise<{ server: INestApplication; stem: StemClient }> {
  const server = await starting;
  await server.init();
  return { server, stem: server.get(StemClient) };
}
