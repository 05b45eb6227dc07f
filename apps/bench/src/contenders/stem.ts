import { type DynamicModule, type INestApplicationContext, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { defineTask, StemClient, StemModule, type StemOptions, Task } from 'nestjs-stem';
import { createPayload, type Payload } from '../payload.js';
import { type Contender, inLanes, type Producer, type WorkerOptions } from './contender.js';

const Noop = defineTask<Payload, void>('noop');
const QUEUE = 'default';

/** Stem in a Nest application, with its default options. */
export const stem: Contender = {
  async openProducer(url): Promise<Producer> {
    const { app, client } = await openClient(url);
    return {
      enqueue: () => client.enqueue(Noop, createPayload()),
      enqueueConcurrently: (count, inFlight) =>
        inLanes(count, inFlight, () => client.enqueue(Noop, createPayload())),
      enqueueMany: (count) =>
        client.enqueueMany(
          Array.from({ length: count }, () => ({ task: Noop, args: createPayload() })),
        ),
      close: () => app.close(),
    };
  },

  async openWorker(options) {
    const app = await createApp(workerModule(options));
    return { close: () => app.close() };
  },

  async countSucceeded(url) {
    const { app, client } = await openClient(url);
    try {
      const { succeeded } = await client.queues.stats(QUEUE);
      return succeeded;
    } finally {
      await app.close();
    }
  },
};

async function openClient(
  url: string,
): Promise<{ app: INestApplicationContext; client: StemClient }> {
  @Module({ imports: [stemModule({ broker: url, worker: false })] })
  class ProducerModule {}

  const app = await createApp(ProducerModule);
  return { app, client: app.get(StemClient) };
}

function workerModule({ url, concurrency, onTask }: WorkerOptions): new () => object {
  class NoopTasks {
    @Task(Noop)
    async run(): Promise<void> {
      onTask();
    }
  }

  @Module({
    imports: [stemModule({ broker: url, worker: { concurrency } })],
    providers: [NoopTasks],
  })
  class WorkerModule {}

  return WorkerModule;
}

function stemModule(options: StemOptions): DynamicModule {
  return StemModule.forRoot(options);
}

function createApp(module: new () => object): Promise<INestApplicationContext> {
  return NestFactory.createApplicationContext(module, { logger: ['error', 'warn'] });
}
