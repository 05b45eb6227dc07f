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
/**
 * Tasks that go ahead, one at a time and without a pause: in the first seconds the threads that compile JavaScript
 * compete with Redis for the processors, and the first tasks pay for it.
 */
const WARM_UP = 5_000;
/**
 * Tasks that go ahead with a pause, after those; half a minute. V8 compiles what it has found to be hot at this pace,
 * on threads of its own, and Linux puts such a thread on the processor of the event loop as readily as on the idle
 * one: the loop waits for 2 to 3 ms. In the first thousand tasks that happens to about one in a hundred of whatever
 * contender, in the third thousand to hardly any; the percentiles would tell of nothing else.
 */
const SETTLING = 2_500;

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
  const runOne = async (): Promise<number> => {
    const enqueuedMs = performance.now();
    const started = new Promise<number>((resolve) => {
      onStart = () => resolve(performance.now() - enqueuedMs);
    });
    await producer.enqueue();
    return started;
  };
  for (let i = 0; i < WARM_UP; i++) await runOne();
  const latenciesMs: number[] = [];
  for (let i = -SETTLING; i < tasks; i++) {
    await delay(PAUSE_MS);
    const latencyMs = await runOne();
    if (i >= 0) latenciesMs.push(latencyMs);
  }
  await producer.close();
  await worker.close();
  return { p50Ms: percentile(latenciesMs, 50), p99Ms: percentile(latenciesMs, 99) };
}
