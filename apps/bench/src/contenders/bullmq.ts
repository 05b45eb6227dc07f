import { BullModule, getQueueToken, Processor, WorkerHost } from '@nestjs/bullmq';
import { type DynamicModule, type INestApplicationContext, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { Queue } from 'bullmq';
import { createPayload, type Payload } from '../payload.js';
import { type Contender, inLanes, type Producer, type WorkerOptions } from './contender.js';

const QUEUE = 'bench';
const TASK = 'noop';

/** BullMQ in a Nest application, with its default options. */
export const bullmq: Contender = {
  async openProducer(url): Promise<Producer> {
    const { app, queue } = await openQueue(url);
    return {
      enqueue: () => queue.add(TASK, createPayload()),
      enqueueConcurrently: (count, inFlight) =>
        inLanes(count, inFlight, () => queue.add(TASK, createPayload())),
      enqueueMany: (count) =>
        queue.addBulk(Array.from({ length: count }, () => ({ name: TASK, data: createPayload() }))),
      close: () => app.close(),
    };
  },

  async openWorker(options) {
    const app = await NestFactory.createApplicationContext(workerModule(options), {
      logger: ['error', 'warn'],
    });
    return { close: () => app.close() };
  },

  async countSucceeded(url) {
    const { app, queue } = await openQueue(url);
    try {
      return await queue.getCompletedCount();
    } finally {
      await app.close();
    }
  },
};

async function openQueue(
  url: string,
): Promise<{ app: INestApplicationContext; queue: Queue<Payload> }> {
  @Module({ imports: bullModules(url) })
  class ProducerModule {}

  const app = await NestFactory.createApplicationContext(ProducerModule, {
    logger: ['error', 'warn'],
  });
  return { app, queue: app.get<Queue<Payload>>(getQueueToken(QUEUE)) };
}

function workerModule({ url, concurrency, onTask }: WorkerOptions): new () => object {
  @Processor(QUEUE, { concurrency })
  class NoopProcessor extends WorkerHost {
    async process(): Promise<void> {
      onTask();
    }
  }

  @Module({ imports: bullModules(url), providers: [NoopProcessor] })
  class WorkerModule {}

  return WorkerModule;
}

function bullModules(url: string): DynamicModule[] {
  const { hostname, port } = new URL(url);
  return [
    BullModule.forRoot({ connection: { host: hostname, port: Number(port) } }),
    BullModule.registerQueue({ name: QUEUE }),
  ];
}
