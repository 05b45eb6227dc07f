import type { OwnReport } from '../monitor/heartbeat-sender.js';
import type { Worker } from '../worker/worker.js';

/** What a worker's heartbeat tells of it. */
export function reportOf(worker: Worker, name: string): OwnReport {
  const { health } = worker;
  return {
    kind: 'worker',
    id: worker.id,
    name,
    queues: worker.queues,
    paused: worker.paused,
    state: worker.state,
    ...(health.status === 'unhealthy'
      ? { illness: { reason: health.reason, since: health.since.getTime() } }
      : {}),
    concurrency: worker.concurrency,
    prefetch: worker.prefetch,
    running: worker.running,
    held: worker.held,
    threads: worker.threads,
    counts: worker.counts,
  };
}
