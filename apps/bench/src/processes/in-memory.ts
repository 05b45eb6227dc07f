import { answer, type Job } from '../child-process.js';
import { loadContender } from '../contenders/index.js';
import { createHandler } from '../load.js';

export interface InMemoryJob extends Job {
  readonly tasks: number;
  readonly warmUp: number;
}

const BULK = 1_000;

await answer(measure);

/** Fills the queue, then runs what is in it: producer and worker in one process, without Redis. */
async function measure({
  contender,
  load,
  tasks,
  warmUp,
}: InMemoryJob): Promise<{ enqueuedPerSecond: number; processedPerSecond: number }> {
  const { openProducer, openWorker } = await loadContender(contender);
  const url = 'memory://bench';
  const producer = await openProducer({ url, load });
  const fill = async (count: number): Promise<void> => {
    for (let left = count; left > 0; left -= BULK) {
      await producer.enqueueMany(Math.min(left, BULK));
    }
  };
  await fill(warmUp);
  const fillStartMs = performance.now();
  await fill(tasks);
  const fillEndMs = performance.now();
  let ran = 0;
  let startMs = 0;
  let onLast: () => void;
  const last = new Promise<void>((resolve) => (onLast = resolve));
  const handler = createHandler(load.work, () => {
    ran++;
    if (ran === warmUp) startMs = performance.now();
    if (ran === warmUp + tasks) onLast();
  });
  const worker = await openWorker({ url, load, concurrency: 100, handler });
  await last;
  const endMs = performance.now();
  await worker.close();
  await producer.close();
  return {
    enqueuedPerSecond: (tasks / (fillEndMs - fillStartMs)) * 1_000,
    processedPerSecond: (tasks / (endMs - startMs)) * 1_000,
  };
}
