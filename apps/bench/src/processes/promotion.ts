import { setTimeout as delay } from 'node:timers/promises';
import { answer, type Job } from '../child-process.js';
import { loadContender } from '../contenders/index.js';
import { type Load, PLAIN, queueName } from '../load.js';
import { percentile } from '../statistics.js';

export interface PromotionJob extends Job {
  readonly tasks: number;
}

export interface Promotion {
  /** From enqueueing to the start of other tasks meanwhile. */
  readonly probeP99Ms: number;
  readonly probeMaxMs: number;
  /** From the due time to the start of the last task that was due. */
  readonly allStartedMs: number;
}

const BULK = 1_000;
const PROBE_EVERY_MS = 5;
/** When the tasks come due, from the start; enqueueing them must be over by then. */
const LEAD_MS_PER_TASK = 0.15;

await answer(measure);

/**
 * Many delayed tasks come due at once. Tasks of another queue of the same worker are enqueued all the time,
 * and must not feel it.
 */
async function measure({ contender, url, tasks }: PromotionJob): Promise<Promotion> {
  const { openProducer, openWorker } = await loadContender(contender);
  const load: Load = { ...PLAIN, queues: 2 };
  const delayed = await openProducer({ url, load: PLAIN });
  const leadMs = Math.max(tasks * LEAD_MS_PER_TASK, 2_000);
  const dueAtMs = performance.now() + leadMs;
  for (let left = tasks; left > 0; left -= BULK) {
    await delayed.enqueueMany(Math.min(left, BULK), Math.max(dueAtMs - performance.now(), 1));
  }
  if (performance.now() > dueAtMs) throw new Error('Enqueueing took longer than the delay.');
  await delayed.close();

  let ran = 0;
  let lastMs = 0;
  const latenciesMs: number[] = [];
  const probeStarts: (() => void)[] = [];
  let onAll: () => void;
  const all = new Promise<void>((resolve) => (onAll = resolve));
  const worker = await openWorker({
    url,
    load,
    concurrency: 100,
    handler: async (_isFirstTry, queue) => {
      if (queue === queueName(1)) {
        probeStarts.shift()?.();
        return;
      }
      lastMs = performance.now();
      if (++ran === tasks) onAll();
    },
  });
  const prober = await openProducer({ url, load: { ...PLAIN, firstQueue: 1 } });
  let probing = true;
  const probes = (async () => {
    while (probing) {
      await delay(PROBE_EVERY_MS);
      const isMeasured = performance.now() > dueAtMs - 500;
      const enqueuedMs = performance.now();
      probeStarts.push(() => {
        if (isMeasured) latenciesMs.push(performance.now() - enqueuedMs);
      });
      await prober.enqueue();
    }
  })();
  await all;
  probing = false;
  await probes;
  await delay(100);
  await prober.close();
  await worker.close();
  return {
    probeP99Ms: percentile(latenciesMs, 99),
    probeMaxMs: Math.max(...latenciesMs),
    allStartedMs: lastMs - dueAtMs,
  };
}
