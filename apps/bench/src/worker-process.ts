import { setTimeout as delay } from 'node:timers/promises';
import { answer, type WorkerJob } from './child-process.js';
import { countClientCalls } from './client-calls.js';
import { loadContender } from './contenders/index.js';
import { Meter, type Reading } from './meter.js';

/** Outcomes are sent after the handler has ended; this is ample for the last of them. */
const LAST_OUTCOMES_MS = 100;

countClientCalls();
await answer(measure);

/** Runs what waits in the queue, and measures from the end of the warm-up to the last task. */
async function measure(job: WorkerJob): Promise<Reading> {
  const contender = await loadContender(job.contender);
  const meter = await Meter.connect(job.url);
  let ran = 0;
  let onLast: () => void;
  const last = new Promise<void>((resolve) => (onLast = resolve));
  const worker = await contender.openWorker({
    url: job.url,
    concurrency: job.concurrency,
    onTask: () => {
      ran++;
      if (ran === job.warmUp) meter.start();
      if (ran === job.tasks) {
        meter.stop();
        onLast();
      }
    },
  });
  await last;
  await delay(LAST_OUTCOMES_MS);
  const reading = await meter.read(job.tasks - job.warmUp);
  await worker.close();
  meter.close();
  const succeeded = await contender.countSucceeded(job.url);
  if (succeeded !== job.tasks) {
    throw new Error(`${job.contender} says that ${succeeded} of ${job.tasks} tasks succeeded.`);
  }
  return reading;
}
