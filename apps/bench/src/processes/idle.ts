import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { answer, type Job } from '../child-process.js';
import { loadContender } from '../contenders/index.js';
import { readRedisStats } from '../redis-stats.js';

export interface IdleJob extends Job {
  readonly seconds: number;
}

/** What is done once after the start is not counted. */
const SETTLE_MS = 3_000;

await answer(measure);

/** A worker waits for tasks that never come. */
async function measure({ contender, url, load, seconds }: IdleJob): Promise<{ perSecond: number }> {
  const { openWorker } = await loadContender(contender);
  const client = new Redis(url);
  const worker = await openWorker({ url, load, concurrency: 10, handler: async () => undefined });
  await delay(SETTLE_MS);
  const before = await readRedisStats(client);
  await delay(seconds * 1_000);
  const after = await readRedisStats(client);
  client.disconnect();
  await worker.close();
  // One of them is our own question.
  return { perSecond: (after.commands - before.commands - 1) / seconds };
}
