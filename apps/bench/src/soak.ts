import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Redis } from 'ioredis';
import { startRedisServer } from './redis-server.js';
import { readRedisStats } from './redis-stats.js';
import { SoakProcess } from './soak-process.js';
import { median } from './statistics.js';

const USAGE = `Usage: npm run soak -- [options]
  --minutes n   how long (10)
  --rate n      tasks a second (2,000)
A producer and a worker process run at a steady rate; memory of both and of Redis is sampled. Exits with 1
when one of them grows by more than 10 % from the second quarter of the run to the last.`;

/** Growth beyond this is a leak, not noise. */
const GROWTH_LIMIT = 1.1;
const SAMPLE_MS = 2_000;
const EXIT_LEAK = 1;
const EXIT_WRONG_USAGE = 64;

interface Sample {
  readonly workerBytes: number;
  readonly producerBytes: number;
  readonly redisBytes: number;
  readonly done: number;
}

process.exitCode = await main();

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: { minutes: { type: 'string' }, rate: { type: 'string' } },
  });
  const minutes = Number(values.minutes ?? 10);
  const rate = Number(values.rate ?? 2_000);
  if (!(minutes > 0) || !(rate > 0)) {
    console.error(USAGE);
    return EXIT_WRONG_USAGE;
  }
  const samples = await soak(minutes * 60_000, rate);
  return report(samples);
}

async function soak(durationMs: number, rate: number): Promise<Sample[]> {
  const server = await startRedisServer();
  const redis = new Redis(server.url);
  const worker = new SoakProcess('worker', server.url, rate);
  const producer = new SoakProcess('producer', server.url, rate);
  const samples: Sample[] = [];
  try {
    await Promise.all([worker.ready, producer.ready]);
    for (const end = performance.now() + durationMs; performance.now() < end;) {
      await delay(SAMPLE_MS);
      const [w, p, r] = await Promise.all([worker.ask(), producer.ask(), readRedisStats(redis)]);
      samples.push({
        workerBytes: w.rssBytes,
        producerBytes: p.rssBytes,
        redisBytes: r.usedMemoryBytes,
        done: w.tasks,
      });
    }
    return samples;
  } finally {
    worker.end();
    producer.end();
    redis.disconnect();
    await server.stop();
  }
}

/** The first quarter is left out: heaps find their size, and the first results are still kept. */
function report(samples: readonly Sample[]): number {
  const quarter = Math.floor(samples.length / 4);
  const early = samples.slice(quarter, 2 * quarter);
  const late = samples.slice(-quarter);
  console.log(`${samples.at(-1)?.done ?? 0} tasks`);
  let exitCode = 0;
  for (const [name, title] of [
    ['workerBytes', 'worker, resident after collection'],
    ['producerBytes', 'producer, resident after collection'],
    ['redisBytes', 'Redis, used_memory'],
  ] as const) {
    const before = median(early.map((sample) => sample[name]));
    const after = median(late.map((sample) => sample[name]));
    const growth = after / before;
    console.log(
      `${title.padEnd(38)} ${megabytes(before)} → ${megabytes(after)} (× ${growth.toFixed(3)})`,
    );
    if (growth > GROWTH_LIMIT) exitCode = EXIT_LEAK;
  }
  return exitCode;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
