import type { WorkerInfo } from '../../client/workers.js';
import { bytes } from './bytes.js';
import type { Page } from './page.js';
import { roughly } from './text.js';

/** How a worker is, in one word. */
export function conditionOf({ isAlive, health, state }: WorkerInfo): string {
  if (!isAlive) return 'silent';
  return health.status === 'unhealthy' ? 'unhealthy' : state;
}

/** Workers as a table. */
export const workerTable = (workers: readonly WorkerInfo[], page: Page): string =>
  page.table(
    workers,
    [
      { head: 'WORKER', value: ({ id }) => id, fit: 'cut' },
      {
        head: 'STATE',
        value: conditionOf,
        paint: (text, worker) => {
          const condition = conditionOf(worker);
          const style = condition === 'ready' ? 'green' : condition === 'silent' ? 'red' : 'yellow';
          return page.paint(style, text);
        },
      },
      {
        head: 'RUNNING',
        value: ({ running, concurrency }) => `${running}/${concurrency}`,
        align: 'right',
      },
      {
        head: 'BEAT',
        value: ({ heartbeatAgeMs }) => `${roughly(heartbeatAgeMs)} ago`,
        align: 'right',
      },
      { head: 'QUEUES', value: ({ queues }) => queues.join(','), fit: 'cut' },
      { head: 'HELD', value: ({ held }) => held, align: 'right', fit: 'drop' },
      { head: 'PAUSED', value: ({ paused }) => paused.join(',') || undefined, fit: 'drop' },
      {
        head: 'LAG P99',
        value: ({ eventLoopLagMs }) => `${Math.round(eventLoopLagMs.p99)}ms`,
        align: 'right',
        fit: 'drop',
      },
      {
        head: 'MEMORY',
        value: ({ memory }) => bytes(memory.rssBytes),
        align: 'right',
        fit: 'drop',
      },
      { head: 'HOST', value: ({ host, pid }) => `${host}:${pid}`, fit: 'drop' },
      { head: 'VERSION', value: ({ version }) => version, fit: 'drop' },
    ],
    'No worker is known: none has sent a heartbeat lately.',
  );
