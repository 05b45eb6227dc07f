import { answer } from '../child-process.js';
import { inLanes } from '../contenders/contender.js';
import { createHandler, type Work } from '../load.js';

export interface BareJob {
  readonly work: Work;
  readonly concurrency: number;
  readonly tasks: number;
}

await answer(measure);

/** Calls handlers without any queue: no queue can be faster than this. */
async function measure({ work, concurrency, tasks }: BareJob): Promise<{ tasksPerSecond: number }> {
  const handler = createHandler(work, () => undefined);
  const startMs = performance.now();
  await inLanes(tasks, concurrency, () => handler(true));
  return { tasksPerSecond: (tasks / (performance.now() - startMs)) * 1_000 };
}
