import { setTimeout as delay } from 'node:timers/promises';
import { answer, type Job } from '../child-process.js';
import { countClientCalls } from '../client-calls.js';
import { loadContender } from '../contenders/index.js';
import { createHandler, warmUpWorkOf } from '../load.js';
import { Meter, type Reading } from '../meter.js';

export interface ProcessJob extends Job {
  readonly concurrency: number;
  /** Measured tasks. */
  readonly tasks: number;
  /** Tasks run before the measurement begins. */
  readonly warmUp: number;
  /** Whether more tasks wait than are run here. */
  readonly leavesRest: boolean;
}

/** Outcomes are sent after the handler has ended; this is ample for the last of them. */
const LAST_OUTCOMES_MS = 100;

countClientCalls();
await answer(measure);

/** Runs what waits in the queue, and measures from the end of the warm-up to the last task. */
async function measure(job: ProcessJob): Promise<Reading> {
  const { url, load, concurrency, tasks, warmUp } = job;
  const { openWorker, countSucceeded } = await loadContender(job.contender);
  const meter = await Meter.connect(url);
  let ran = 0;
  let onLast: () => void;
  const last = new Promise<void>((resolve) => (onLast = resolve));
  const onDone = (): void => {
    ran++;
    if (ran === warmUp) meter.start();
    if (ran === warmUp + tasks) {
      meter.stop();
      onLast();
    }
  };
  const warmingUp = createHandler(warmUpWorkOf(load.work), onDone);
  const measured = createHandler(load.work, onDone);
  const handler = (isFirstTry: boolean): Promise<unknown> =>
    ran < warmUp ? warmingUp(isFirstTry) : measured(isFirstTry);
  const worker = await openWorker({ url, load, concurrency, handler });
  await last;
  await delay(LAST_OUTCOMES_MS);
  const reading = await meter.read(tasks);
  await worker.close();
  meter.close();
  if (job.leavesRest) return reading;
  const succeeded = await countSucceeded({ url, load });
  if (succeeded !== warmUp + tasks) {
    throw new Error(
      `${job.contender} says that ${succeeded} of ${warmUp + tasks} tasks succeeded.`,
    );
  }
  return reading;
}
