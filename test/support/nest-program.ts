/**
 * A program of a `WorkerProcess`: a Nest application with a worker and a Beat, whose process tells
 * operators often what it does.
 */
import 'reflect-metadata';
import { setTimeout as delay } from 'node:timers/promises';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  gracefulShutdown,
  StemClient,
  StemModule,
  Task,
  type TaskContext,
} from '../../libs/stem/src/index.js';
import type { WorkerProcessOptions } from './worker-process.js';

/** What a test may say of it, besides what every worker process is told. */
export interface NestProgramOptions extends WorkerProcessOptions {
  /** Enqueue so many of each task, and end, without a worker. */
  readonly enqueue?: number;
}

const options = JSON.parse(process.argv[1] ?? '{}') as NestProgramOptions;

@Injectable()
class Tasks {
  @Task('work.fine')
  async fine(): Promise<string> {
    await delay(20);
    return 'fine';
  }

  @Task('work.bad', { maxRetries: 2, retry: { delay: 10, jitter: false } })
  bad(): never {
    throw new Error('always');
  }

  @Task('work.long', { maxRetries: 0 })
  async long(_args: unknown, { signal }: TaskContext): Promise<void> {
    await delay(60_000, undefined, { signal });
  }
}

@Module({
  imports: [
    StemModule.forRoot({
      broker: options.redisUrl,
      namespace: options.namespace,
      commandTimeout: '1s',
      worker: options.enqueue === undefined && {
        heartbeatInterval: 200,
        concurrency: 4,
        visibilityTimeout: '1s',
      },
      beat: { heartbeatInterval: 200 },
      monitor: { flushInterval: 100, eventsPerSecond: 5_000 },
    }),
  ],
  providers: [Tasks],
})
class ProgramModule {}

const main = async (): Promise<void> => {
  const app = await NestFactory.createApplicationContext(ProgramModule, {
    logger: ['error', 'warn'],
  });
  gracefulShutdown(app);
  if (options.enqueue !== undefined) {
    const stem = app.get(StemClient);
    for (let n = 0; n < options.enqueue; n++) {
      await stem.enqueue('work.fine');
      await stem.enqueue('work.bad');
    }
    // What it has counted must not be lost with it.
    await app.close();
  }
  process.stdout.write('ready\n');
};

main().catch((error: unknown) => {
  console.error(error);
  process.exit(1);
});
