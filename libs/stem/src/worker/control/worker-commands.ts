import { hostname } from 'node:os';
import type { HeldTask, StopMode, WorkerStats } from '../../core/control.js';
import { VERSION } from '../../core/version.js';
import type { WorkerHealth } from '../../core/worker-status.js';

import type { CommandHandlers } from './control-listener.js';

/** A worker as its commands see it. */
export interface CommandedWorker {
  readonly state: string;
  readonly health: WorkerHealth;
  readonly queues: readonly string[];
  readonly paused: readonly string[];
  readonly concurrency: number;
  readonly prefetch: number;
  readonly running: number;
  readonly held: number;
  readonly threads: number;
  readonly counts: WorkerStats['counts'];
  readonly startedMonotonicMs: number;
  tasks(): HeldTask[];
  pauseQueues(queues: readonly string[]): void;
  resumeQueues(queues: readonly string[]): void;
  /** Tells tasks to stop; returns those that it holds. */
  revoke(ids: readonly string[], request: { reason: string; terminate: boolean }): string[];
}

/** What a worker does when it is told to; stopping, which comes after the answer, is not among it. */
export function workerCommands(worker: CommandedWorker): CommandHandlers {
  const queues = (): { queues: readonly string[]; paused: readonly string[] } => ({
    queues: worker.queues,
    paused: worker.paused,
  });
  return {
    ping: () => ({ state: worker.state, isHealthy: worker.health.status === 'healthy' }),
    stats: () => statsOf(worker),
    inspect: ({ limit }) => {
      const tasks = worker.tasks();
      return { tasks: tasks.slice(0, limit), total: tasks.length };
    },
    pause: (args) => {
      requireServed(worker, args.queues);
      worker.pauseQueues(args.queues);
      return queues();
    },
    resume: (args) => {
      requireServed(worker, args.queues);
      worker.resumeQueues(args.queues);
      return queues();
    },
    shutdown: ({ mode }: { mode: StopMode }) => ({ mode, running: worker.running }),
    revoke: ({ ids, reason, terminate }) => ({
      revoked: worker.revoke(ids, { reason, terminate }),
    }),
  };
}

/** A queue that is spelt wrong would otherwise seem to be paused. */
function requireServed({ queues }: CommandedWorker, asked: readonly string[]): void {
  if (asked.some((queue) => queues.includes(queue))) return;
  throw new Error(`It serves none of these queues, but ${queues.join(', ')}.`);
}

function statsOf(worker: CommandedWorker): WorkerStats {
  const { health } = worker;
  const { rss, heapUsed } = process.memoryUsage();
  return {
    state: worker.state,
    isHealthy: health.status === 'healthy',
    ...(health.status === 'unhealthy' ? { unhealthyReason: health.reason } : {}),
    host: hostname(),
    pid: process.pid,
    version: VERSION,
    uptimeMs: Math.round(performance.now() - worker.startedMonotonicMs),
    queues: worker.queues,
    paused: worker.paused,
    concurrency: worker.concurrency,
    prefetch: worker.prefetch,
    running: worker.running,
    held: worker.held,
    threads: worker.threads,
    counts: worker.counts,
    memory: { rssBytes: rss, heapUsedBytes: heapUsed },
  };
}
