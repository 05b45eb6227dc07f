import { setTimeout as delay } from 'node:timers/promises';
import { answer, type Job } from '../child-process.js';
import { loadContender } from '../contenders/index.js';
import { percentile } from '../statistics.js';

export interface LatencyJob extends Job {
  readonly tasks: number;
}

export interface Latency {
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Long enough for a worker to have gone to sleep. */
const PAUSE_MS = 10;
const WARM_UP = 200;

await answer(measure);

/** From the call that enqueues to the start of the handler, while there is nothing else to do. */
async function measure({ contender, url, load, tasks }: LatencyJob): Promise<Latency> {
  const { openProducer, openWorker } = await loadContender(contender);
  let onStart: () => void = () => undefined;
  const worker = await openWorker({
    url,
    load,
    concurrency: 1,
    handler: async () => onStart(),
  });
  const producer = await openProducer({ url, load });
  const latenciesMs: number[] = [];
  for (let i = -WARM_UP; i < tasks; i++) {
    await delay(PAUSE_MS);
    const enqueuedMs = performance.now();
    const started = new Promise<void>((resolve) => {
      onStart = () => {
        if (i >= 0) latenciesMs.push(performance.now() - enqueuedMs);
        resolve();
      };
    });
    await producer.enqueue();
    await started;
  }
  await producer.close();
  await worker.close();
  return { p50Ms: percentile(latenciesMs, 50), p99Ms: percentile(latenciesMs, 99) };
}
