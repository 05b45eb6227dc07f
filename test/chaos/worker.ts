/** A worker as an application has it, whose handlers keep a ledger. */
import { setTimeout as delay } from 'node:timers/promises';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  gracefulShutdown,
  StemModule,
  Task,
  type TaskContext,
  UnrecoverableTaskError,
} from 'nestjs-stem';
import { fromVariables } from './environment.js';
import { Ledger, type TaskKind } from './ledger.js';
import { childOf, type ChaosArgs, flakyErrors, largeText, OPERATOR_QUEUE, QUEUE } from './tasks.js';

const environment = fromVariables();
/** Three leases of 3 s. */
const LONG_MS = 9_000;
const ledger = new Ledger(environment.ledgerFolder, environment.processName);

async function run<T extends object>(
  kind: TaskKind,
  { n }: ChaosArgs,
  { id, attempt, deliveries }: TaskContext,
  work: () => Promise<T> | T,
): Promise<T & { n: number; kind: TaskKind }> {
  ledger.write({ event: 'started', id, kind, attempt, deliveries });
  try {
    return { n, kind, ...(await work()) };
  } finally {
    ledger.write({ event: 'ended', id });
  }
}

@Injectable()
class ChaosTasks {
  @Task('chaos.quick')
  quick(args: ChaosArgs, context: TaskContext): Promise<object> {
    return run('quick', args, context, () => ({}));
  }

  @Task('chaos.slow')
  slow(args: ChaosArgs, context: TaskContext): Promise<object> {
    return run('slow', args, context, () => delay(20 + ((args.n * 37) % 480), {}));
  }

  @Task('chaos.long')
  long(args: ChaosArgs, context: TaskContext): Promise<object> {
    return run('long', args, context, () => delay(LONG_MS, {}));
  }

  @Task('chaos.flaky', { maxRetries: 5, retry: { delay: 100 } })
  flaky(args: ChaosArgs, context: TaskContext): Promise<object> {
    return run('flaky', args, context, () => {
      if (context.attempt < flakyErrors(args.n)) throw new Error('not yet');
      return { errors: context.attempt };
    });
  }

  @Task('chaos.doomed')
  doomed(args: ChaosArgs, context: TaskContext): Promise<object> {
    return run('doomed', args, context, () => {
      throw new UnrecoverableTaskError('it was to be expected');
    });
  }

  @Task('chaos.progress')
  progress(args: ChaosArgs, context: TaskContext): Promise<object> {
    return run('progress', args, context, async () => {
      await context.progress(0.5, { half: true });
      await context.heartbeat();
      return {};
    });
  }

  @Task('chaos.large')
  large(args: ChaosArgs, context: TaskContext): Promise<object> {
    return run('large', args, context, () => ({ text: largeText(args.n) }));
  }

  @Task('chaos.parent')
  parent(args: ChaosArgs, context: TaskContext): Promise<object> {
    return run('parent', args, context, async () => {
      const child = childOf(context.id);
      await context.enqueue('chaos.child', args, { id: child, queue: QUEUE });
      ledger.write({ event: 'accepted', id: child, kind: 'child', n: args.n });
      return { child };
    });
  }

  @Task('chaos.child')
  child(args: ChaosArgs, context: TaskContext): Promise<object> {
    return run('child', args, context, () => ({}));
  }

  @Task('chaos.limited', { rateLimit: '20/s' })
  limited(args: ChaosArgs, context: TaskContext): Promise<object> {
    return run('limited', args, context, () => ({}));
  }

  @Task('chaos.unique')
  unique(args: ChaosArgs, context: TaskContext): Promise<object> {
    return run('unique', args, context, () => delay(30, {}));
  }

  @Task('chaos.delayed')
  delayed(args: ChaosArgs, context: TaskContext): Promise<object> {
    return run('delayed', args, context, () => ({}));
  }

  @Task('chaos.expiring')
  expiring(args: ChaosArgs, context: TaskContext): Promise<object> {
    return run('expiring', args, context, () => delay(20, {}));
  }

  @Task('chaos.cancelled')
  cancelled(args: ChaosArgs, context: TaskContext): Promise<object> {
    return run('cancelled', args, context, () =>
      delay(2_000, {}, { signal: context.signal }).catch(() => {
        throw context.signal.reason;
      }),
    );
  }
}

@Module({
  imports: [
    StemModule.forRoot({
      broker: environment.redisUrl,
      namespace: environment.namespace,
      partitions: environment.partitions,
      resultTtl: '30m',
      defaultQueue: QUEUE,
      beat: false,
      commandTimeout: environment.commandTimeoutMs,
      connectTimeout: '2s',
      onConnectFailure: 'wait',
      worker: {
        queues: [QUEUE, OPERATOR_QUEUE],
        name: environment.processName,
        concurrency: environment.concurrency,
        // Absent at the defaults.
        ...(environment.leaseMs === 30_000 ? {} : { visibilityTimeout: environment.leaseMs }),
        // Kills are nobody's fault here; what they do to a task that causes them is tested elsewhere.
        maxDeliveries: 1_000,
        drainTimeout: '8s',
      },
    }),
  ],
  providers: [ChaosTasks],
})
class ChaosModule {}

const app = await NestFactory.createApplicationContext(ChaosModule, { logger: ['error', 'warn'] });
gracefulShutdown(app);
ledger.write({ event: 'ready' });
