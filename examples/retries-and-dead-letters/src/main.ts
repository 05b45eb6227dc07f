import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { StemClient, StemModule, type TaskHandle } from 'nestjs-stem';
import { Bank } from './bank.js';
import { TransferTasks } from './transfer.tasks.js';

@Module({ imports: [StemModule.forRoot()], providers: [Bank, TransferTasks] })
class AppModule {}

const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
const stem = app.get(StemClient);
const bank = app.get(Bank);

console.log('The bank is busy twice:');
bank.badCalls = 2;
await outcome(await stem.enqueue('money.transfer', { amount: 10 }));

console.log('It stays busy for longer than the retries:');
bank.badCalls = 3;
await outcome(await stem.enqueue('money.transfer', { amount: 20 }));

console.log('No retry would help:');
await outcome(await stem.enqueue('money.transfer', { amount: -1 }));

console.log('Dead letters, newest first:');
for (const { args, attempt, reason } of await stem.deadLetters.list()) {
  console.log(`  ${JSON.stringify(args)} after ${attempt + 1} failed tries: ${reason}`);
}

console.log('The bank is well again, so those that gave up for its sake are started over:');
const { replayed } = await stem.deadLetters.replay({
  queue: 'default',
  reason: 'retries-exhausted',
});
for (const id of replayed) await outcome(stem.task(id));

await app.close();

async function outcome(task: TaskHandle): Promise<void> {
  await task.result().then(
    (result) => console.log(`  succeeded: ${String(result)}`),
    (error: unknown) => console.log(`  ${(error as Error).name}`),
  );
}
