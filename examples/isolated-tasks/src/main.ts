import { NestFactory } from '@nestjs/core';
import { StemClient, TaskFailedError } from 'nestjs-stem';
import { AppModule } from './app.module.js';
import type { Found } from './number.tasks.js';

const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
const stem = app.get(StemClient);

for (const name of ['primes.inline', 'primes.isolated']) {
  const ticks = countTicks();
  const task = await stem.enqueue(name, { forMs: 500 });
  const { where } = (await task.result()) as Found;
  console.log(
    `${name} ran in the ${where}; meanwhile a timer of 10 ms fired ${ticks.stop()} times`,
  );
}

const endless = await stem.enqueue('never.ends');
await endless.result().catch((error: unknown) => {
  if (!(error instanceof TaskFailedError)) throw error;
  console.log(`never.ends was ended: ${(error.cause as Error).name}`);
});
const next = await stem.enqueue('primes.isolated', { forMs: 50 });
console.log(`and the next one ran in a new ${((await next.result()) as Found).where}`);

await app.close();

function countTicks(): { stop(): number } {
  let count = 0;
  const timer = setInterval(() => count++, 10);
  return {
    stop: () => {
      clearInterval(timer);
      return count;
    },
  };
}
