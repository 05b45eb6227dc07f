import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { StemClient, StemModule, TaskFailedError } from 'nestjs-stem';
import { ConvertPrice, PriceTasks } from './price.tasks.js';

@Module({ imports: [StemModule.forRoot()], providers: [PriceTasks] })
class AppModule {}

const app = await NestFactory.createApplicationContext(AppModule, { logger: ['error'] });
const stem = app.get(StemClient);

const task = await stem.enqueue(ConvertPrice, { cents: 1999, currency: 'EUR' });
const { text } = await task.result(); // string, without saying so
console.log(`by its definition: ${text}`);

/** Never called: what the compiler does not let through. */
export async function refused(): Promise<void> {
  // @ts-expect-error 'CHF' is not one of the currencies
  await stem.enqueue(ConvertPrice, { cents: 1999, currency: 'CHF' });
  // @ts-expect-error the currency is missing
  await stem.enqueue(ConvertPrice, { cents: 1999 });
  const price = await stem.enqueue(ConvertPrice, { cents: 1999, currency: 'USD' });
  // @ts-expect-error the result has a text, and no amount
  console.log((await price.result()).amount);
}

const unchecked = await stem.enqueue('price.convert', { cents: 'many', currency: 'EUR' });
await unchecked.result().catch((error: unknown) => {
  if (!(error instanceof TaskFailedError)) throw error;
  console.log(`by its name: ${(error.cause as Error).message}`);
});

await app.close();
