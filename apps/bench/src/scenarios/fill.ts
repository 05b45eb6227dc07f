import { runChild } from '../child-process.js';
import type { Load } from '../load.js';
import type { Reading } from '../meter.js';
import type { EnqueueMode, ProduceJob } from '../processes/produce.js';
import type { Bench } from './scenario.js';

/** A thousand tasks of more than this in one call would hold the server for long. */
const LARGE_BYTES = 1_000;

/** Leaves tasks in the queue, from a process that is gone when they are measured. */
export function fill(
  { contender, url }: Pick<Bench, 'contender' | 'url'>,
  load: Load,
  tasks: number,
  mode: EnqueueMode = load.payloadBytes > LARGE_BYTES ? 'concurrent' : 'bulk',
): Promise<Reading> {
  const job: ProduceJob = { contender, url, load, mode, tasks, warmUp: 0 };
  return runChild<Reading>('produce', job);
}
