import type { StemClient, WorkerInfo } from 'nestjs-stem';
import { until } from '../../support/example-process.js';

const HEARTBEAT_TIMEOUT_MS = 5_000;

/** Waits for the first heartbeat of a worker. */
export function knownWorkers(stem: StemClient): Promise<WorkerInfo[]> {
  return until('a worker is known', HEARTBEAT_TIMEOUT_MS, async () => {
    const workers = await stem.workers.list();
    return workers.length > 0 ? workers : undefined;
  });
}
