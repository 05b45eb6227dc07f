import { BullModule, getQueueToken, Processor, WorkerHost } from '@nestjs/bullmq';
import {
  type DynamicModule,
  type INestApplicationContext,
  Module,
  type Type,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { Job, JobsOptions, Queue } from 'bullmq';
import { type Load, queueNames } from '../load.js';
import { createPayload, type Payload } from '../payload.js';
import { type Contender, Dealer, inLanes, type Producer, type WorkerOptions } from './contender.js';

const TASK = 'bench';

/** BullMQ in a Nest application, with its default options. */
export const bullmq: Contender = {
  async openProducer({ url, load }): Promise<Producer> {
    const { app, queues } = await openQueues(url, load);
    const dealer = new Dealer(load);
    const next = (delayMs?: number): { queue: Queue<Payload>; options: JobsOptions } => {
      const { queue, priority } = dealer.next();
      return {
        queue: queues[queue] as Queue<Payload>,
        options: {
          // 1 is the most urgent; without any it would go before them all.
          ...(load.priorities ? { priority: 10 - priority } : {}),
          ...(load.work === 'fail-half' ? { attempts: 2 } : {}),
          ...(delayMs === undefined ? {} : { delay: delayMs }),
        },
      };
    };
    const enqueue = (): Promise<unknown> => {
      const { queue, options } = next();
      return queue.add(TASK, createPayload(load.payloadBytes), options);
    };
    return {
      enqueue,
      enqueueConcurrently: (count, inFlight) => inLanes(count, inFlight, enqueue),
      async enqueueMany(count, delayMs) {
        const bulks = new Map<
          Queue<Payload>,
          { name: string; data: Payload; opts: JobsOptions }[]
        >();
        for (let i = 0; i < count; i++) {
          const { queue, options } = next(delayMs);
          const job = { name: TASK, data: createPayload(load.payloadBytes), opts: options };
          const bulk = bulks.get(queue);
          if (bulk) bulk.push(job);
          else bulks.set(queue, [job]);
        }
        await Promise.all([...bulks].map(([queue, jobs]) => queue.addBulk(jobs)));
      },
      close: () => app.close(),
    };
  },

  async openWorker(options) {
    const app = await NestFactory.createApplicationContext(workerModule(options), {
      logger: ['error', 'warn'],
    });
    return { close: () => app.close() };
  },

  async countSucceeded({ url, load }) {
    const { app, queues } = await openQueues(url, load);
    try {
      let sum = 0;
      for (const queue of queues) sum += await queue.getCompletedCount();
      return sum;
    } finally {
      await app.close();
    }
  },
};

async function openQueues(
  url: string,
  load: Load,
): Promise<{ app: INestApplicationContext; queues: Queue<Payload>[] }> {
  @Module({ imports: bullModules(url, load) })
  class ProducerModule {}

  const app = await NestFactory.createApplicationContext(ProducerModule, {
    logger: ['error', 'warn'],
  });
  return {
    app,
    queues: queueNames(load).map((name) => app.get<Queue<Payload>>(getQueueToken(name))),
  };
}

/** A BullMQ worker serves one queue, so the concurrency is shared out, rounded up. */
function workerModule({ url, load, concurrency, handler }: WorkerOptions): new () => object {
  const share = Math.ceil(concurrency / load.queues);
  const processors = queueNames(load).map((name): Type => {
    @Processor(name, { concurrency: share })
    class BenchProcessor extends WorkerHost {
      process({ attemptsMade }: Job): Promise<unknown> {
        return handler(attemptsMade === 0, name);
      }
    }
    Object.defineProperty(BenchProcessor, 'name', { value: `BenchProcessor_${name}` });
    return BenchProcessor;
  });

  @Module({ imports: bullModules(url, load), providers: processors })
  class WorkerModule {}

  return WorkerModule;
}

function bullModules(url: string, load: Load): DynamicModule[] {
  const { hostname, port } = new URL(url);
  return [
    BullModule.forRoot({ connection: { host: hostname, port: Number(port) } }),
    BullModule.registerQueue(...queueNames(load).map((name) => ({ name }))),
  ];
}
