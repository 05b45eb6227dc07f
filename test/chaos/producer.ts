/** A process that enqueues tasks, and does everything else that clients and operators do. */
import { setTimeout as delay } from 'node:timers/promises';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { defineTask, getStemToken, gracefulShutdown, StemClient, StemModule } from 'nestjs-stem';
import { RedisBroker } from '../../libs/stem/src/broker/redis/redis-broker.js';
import { partitionFor } from '../../libs/stem/src/core/task-id.js';
import { connectionTo } from './connection.js';
import { fromVariables } from './environment.js';
import { Ledger, TASK_KINDS, type TaskKind } from './ledger.js';
import { Random } from './random.js';
import { BURST_SIGNAL, IDLE_QUEUE, nameOf, OPERATOR_QUEUE, QUEUE, WEIGHTS } from './tasks.js';

const environment = fromVariables();
const { redisUrl, namespace, partitions, commandTimeoutMs, ledgerFolder, processName, seed } =
  environment;
const ledger = new Ledger(ledgerFolder, processName);
const random = new Random(seed);
const BATCH_PAUSE_MS = 40;
const BURST = 80;
/** More bytes than one script call takes. */
const BATCH = { tasks: 10, paddingLength: 50_000 };
const LARGE_BATCH_PAUSE_MS = 2_000;

@Module({
  imports: [
    StemModule.forRoot({
      broker: redisUrl,
      namespace,
      partitions,
      resultTtl: '30m',
      defaultQueue: QUEUE,
      worker: false,
      beat: false,
      commandTimeout: commandTimeoutMs,
      connectTimeout: '2s',
      onConnectFailure: 'wait',
      tasks: TASK_KINDS.map((kind) => defineTask(nameOf(kind))),
    }),
  ],
})
class ProducerModule {}

const app = await NestFactory.createApplicationContext(ProducerModule, { logger: ['error'] });
gracefulShutdown(app);
const stem = app.get<StemClient>(getStemToken());
const broker = new RedisBroker({
  connection: connectionTo(redisUrl),
  namespace,
  partitions,
  commandTimeoutMs,
  onConnectFailure: 'wait',
});
await broker.connect();
process.on(BURST_SIGNAL, () => void enqueueBurst().catch(() => undefined));
ledger.write({ event: 'ready' });

let next = 0;

/** More at once than all workers can take, so that some have tasks waiting. */
async function enqueueBurst(): Promise<void> {
  await Promise.all(Array.from({ length: BURST }, () => enqueueOne('slow')));
}

async function enqueueOne(kind: TaskKind = random.weighted(WEIGHTS)): Promise<void> {
  const n = next++;
  const name = `${processName}-${n}`;
  // Where there are several partitions, the key of a unique task says in which it lives, not its id.
  const hasOwnId = kind !== 'unique' || partitions === 1;
  const { id } = await stem.enqueue(
    nameOf(kind),
    { n },
    {
      ...(hasOwnId ? { id: name } : {}),
      priority: random.pick([0, 0, 0, 5]),
      ...(kind === 'delayed' ? { delay: Math.round(random.between(50, 1_500)) } : {}),
      ...(kind === 'expiring' ? { expires: '10m' } : {}),
      ...(kind === 'unique' ? { uniqueKey: name } : {}),
    },
  );
  ledger.write({ event: 'accepted', id, kind, n });
  if (kind === 'cancelled') {
    await delay(random.between(0, 600));
    await stem.cancel(id, { reason: 'to see it end' });
  }
  if (random.next() < 0.02) await stem.task(id).status();
  if (random.next() < 0.02) await stem.task(id).result({ timeout: '2s' });
}

/** Tasks of one partition, where all of them are accepted or none. */
async function enqueueLargeBatch(): Promise<void> {
  const tasks: { id: string; n: number }[] = [];
  while (tasks.length < BATCH.tasks) {
    const n = next++;
    const id = `${processName}-${n}`;
    if (partitionFor(id, partitions) === 0) tasks.push({ id, n });
  }
  ledger.write({ event: 'offered', ids: tasks.map(({ id }) => id) });
  const padding = 'x'.repeat(BATCH.paddingLength);
  await stem.enqueueMany(
    tasks.map(({ id, n }) => ({ task: nameOf('quick'), args: { n, padding }, options: { id } })),
  );
  for (const { id, n } of tasks) ledger.write({ event: 'accepted', id, kind: 'quick', n });
}

/** One round of what operators do; on queues of their own, since it changes what becomes of tasks. */
async function operate(): Promise<void> {
  const doomed = await stem.enqueue(nameOf('doomed'), { n: 0 }, { queue: OPERATOR_QUEUE });
  await doomed.result({ timeout: '5s' }).catch(() => undefined);
  await stem.deadLetters.list({ queue: OPERATOR_QUEUE, limit: 10 });
  await stem.deadLetters.replay({ ids: [doomed.id] });
  await doomed.result({ timeout: '5s' }).catch(() => undefined);
  await broker.discardDeadLetters([doomed.id]);
  await stem.enqueue(nameOf('quick'), { n: 0 }, { queue: IDLE_QUEUE });
  await stem.queues.pause(IDLE_QUEUE);
  await stem.queues.resume(IDLE_QUEUE);
  await stem.queues.purge(IDLE_QUEUE);
  await stem.queues.list();
  // It looks at everything there is; an earlier build does not have it.
  if (random.next() < 0.3) await (stem as Partial<StemClient>).tasks?.list({ limit: 10 });
  await broker.settleDue(QUEUE);
  await broker.reclaim({ maxLosses: 1_000 });
}

const forEver = async (act: () => Promise<unknown>, pauseMs: number): Promise<never> => {
  for (;;) {
    // Refused or unanswered calls are part of the plan: what was not accepted is not noted.
    await act().catch(() => undefined);
    await delay(pauseMs);
  }
};

await Promise.all([
  forEver(() => Promise.all(Array.from({ length: 4 }, () => enqueueOne())), BATCH_PAUSE_MS),
  forEver(enqueueLargeBatch, LARGE_BATCH_PAUSE_MS),
  forEver(operate, 300),
]);
