import { type DynamicModule, type INestApplicationContext, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  defineTask,
  type EnqueueOptions,
  StemClient,
  StemModule,
  type StemOptions,
  Task,
  type TaskContext,
} from 'nestjs-stem';
import { type Load, queueName, queueNames } from '../load.js';
import { createPayload, type Payload } from '../payload.js';
import { type Contender, Dealer, inLanes, type Producer, type WorkerOptions } from './contender.js';

const Bench = defineTask<Payload, unknown>('bench', { queue: queueName(0) });
/** A task that fails must be tried again at once, as with the other contenders. */
const BenchRetried = defineTask<Payload, unknown>('bench.retried', {
  queue: queueName(0),
  maxRetries: 1,
  retry: { backoff: 'fixed', delay: 0, jitter: false },
});

/** Stem in a Nest application, with its default options. */
export const stem: Contender = {
  async openProducer({ url, load }): Promise<Producer> {
    const { app, client } = await openClient(url, load);
    const dealer = new Dealer(load);
    const task = taskOf(load);
    const names = queueNames(load);
    const isPlain = load.queues === 1 && load.firstQueue === 0 && !load.priorities;
    const options = (): EnqueueOptions | undefined => {
      if (isPlain) return undefined;
      const { queue, priority } = dealer.next();
      return { queue: names[queue] as string, priority };
    };
    const enqueue = () => client.enqueue(task, createPayload(load.payloadBytes), options());
    return {
      enqueue,
      enqueueConcurrently: (count, inFlight) => inLanes(count, inFlight, enqueue),
      enqueueMany: (count, delayMs) =>
        client.enqueueMany(
          Array.from({ length: count }, () => ({
            task,
            args: createPayload(load.payloadBytes),
            ...(delayMs === undefined && isPlain
              ? {}
              : {
                  options: { ...options(), ...(delayMs === undefined ? {} : { delay: delayMs }) },
                }),
          })),
        ),
      close: () => app.close(),
    };
  },

  async openWorker(options) {
    const app = await createApp(workerModule(options));
    return { close: () => app.close() };
  },

  async countSucceeded({ url, load }) {
    const { app, client } = await openClient(url, load);
    try {
      let sum = 0;
      for (const queue of queueNames(load)) sum += (await client.queues.stats(queue)).succeeded;
      return sum;
    } finally {
      await app.close();
    }
  },
};

function taskOf({ work }: Load): typeof Bench {
  return work === 'fail-half' ? BenchRetried : Bench;
}

async function openClient(
  url: string,
  load: Load,
): Promise<{ app: INestApplicationContext; client: StemClient }> {
  @Module({ imports: [stemModule(load, { broker: url, worker: false })] })
  class ProducerModule {}

  const app = await createApp(ProducerModule);
  return { app, client: app.get(StemClient) };
}

function workerModule({ url, load, concurrency, handler }: WorkerOptions): new () => object {
  class BenchTasks {
    @Task(taskOf(load))
    async run(_args: Payload, { attempt, queue }: TaskContext): Promise<unknown> {
      return handler(attempt === 0, queue);
    }
  }

  @Module({
    imports: [stemModule(load, { broker: url, worker: { concurrency, queues: queueNames(load) } })],
    providers: [BenchTasks],
  })
  class WorkerModule {}

  return WorkerModule;
}

function stemModule({ monitor }: Load, options: StemOptions): DynamicModule {
  return StemModule.forRoot({ ...options, beat: false, ...(monitor ? {} : { monitor: false }) });
}

function createApp(module: new () => object): Promise<INestApplicationContext> {
  return NestFactory.createApplicationContext(module, { logger: ['error', 'warn'] });
}
