import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { defineTask, StemClient, StemModule, Task, type TaskContext } from 'nestjs-stem';
import { createPayload, type Payload } from '../payload.js';
import type { SoakMessage } from '../soak-process.js';

const Soak = defineTask<Payload, { ok: boolean }>('soak', {
  maxRetries: 1,
  retry: { delay: 100, jitter: false },
  // Short enough for what is kept to be the same at any time of the run.
  resultTtl: '20s',
});
const TICK_MS = 20;
/** One in so many tasks fails in its first try. */
const FAILS_ONE_IN = 50;

const [, , role, url, rateText] = process.argv as [string, string, string, string, string];
let tasks = 0;

class SoakTasks {
  @Task(Soak)
  async run(_args: Payload, ctx: TaskContext): Promise<{ ok: boolean }> {
    tasks++;
    if (ctx.attempt === 0 && tasks % FAILS_ONE_IN === 0) throw new Error('The first try fails.');
    await new Promise((resolve) => setImmediate(resolve));
    return { ok: true };
  }
}

@Module({
  imports: [
    StemModule.forRoot({
      broker: url,
      beat: false,
      worker: role === 'worker' ? { concurrency: 50 } : false,
    }),
  ],
  providers: role === 'worker' ? [SoakTasks] : [],
})
class SoakModule {}

const app = await NestFactory.createApplicationContext(SoakModule, { logger: ['error', 'warn'] });
if (role === 'producer') {
  const client = app.get(StemClient);
  const perTick = (Number(rateText) * TICK_MS) / 1_000;
  let owed = 0;
  setInterval(() => {
    owed += perTick;
    for (; owed >= 1; owed--) {
      tasks++;
      void client.enqueue(Soak, createPayload(100));
    }
  }, TICK_MS);
}

process.on('message', () => tell());
tell();

function tell(): void {
  globalThis.gc?.();
  const message: SoakMessage = { rssBytes: process.memoryUsage().rss, tasks };
  process.send?.(message);
}
