import type { TaskMetrics } from '../../../client/metrics.js';
import { duration } from '../../framework/options.js';
import {
  type Call,
  type Report,
  StemCommand,
  StemSubCommand,
} from '../../framework/stem-command.js';
import { WATCH, watch } from '../../framework/watch.js';
import type { Page } from '../../output/page.js';
import { roughly } from '../../output/text.js';
import { workerTable } from '../../output/worker.js';

const options = {
  window: duration('--window <duration>', 'how far to look back, 1m to 1d', '1h'),
  ...WATCH,
};

@StemSubCommand({
  name: 'metrics',
  summary: 'Shows what all processes have counted: per task and queue, and per worker',
  details:
    'Times are those of runs and of waiting, within a tenth of the truth; with --json also those of the\n' +
    'last five minutes.',
  options,
  examples: [
    ['observe metrics', 'of the last hour'],
    ['observe metrics --window 5m --watch', 'what happens now'],
  ],
})
export class StemObserveMetricsCommand extends StemCommand<typeof options> {
  protected async execute(call: Call<typeof options>): Promise<Report | void> {
    const { stem } = await call.session();
    const { window = '1h' } = call.options;
    return watch(call, async () => {
      const metrics = await stem.metrics({ window });
      return {
        json: metrics,
        text: (page) =>
          `${taskTable(metrics.tasks, page)}\n\n${workerTable(metrics.workers, page)}`,
      };
    });
  }
}

function taskTable(tasks: readonly TaskMetrics[], page: Page): string {
  const count = (head: string, value: (task: TaskMetrics) => number, fit?: 'drop') => ({
    head,
    value,
    align: 'right' as const,
    ...(fit ? { fit } : {}),
  });
  const ms = (value: number | undefined): string | undefined =>
    value === undefined ? undefined : roughly(value);
  return page.table(
    tasks,
    [
      { head: 'TASK', value: ({ task }) => task, fit: 'cut' },
      { head: 'QUEUE', value: ({ queue }) => queue, fit: 'cut' },
      count('IN', ({ enqueued }) => enqueued),
      count('OK', ({ succeeded }) => succeeded),
      {
        ...count('FAILED', ({ failed }) => failed),
        paint: (text, { failed }) => (failed > 0 ? page.paint('red', text) : text),
      },
      {
        head: 'RUN P95',
        value: ({ runMs }) => (runMs.count ? ms(runMs.p95) : undefined),
        align: 'right',
      },
      count('RETRIED', ({ retried }) => retried, 'drop'),
      {
        head: 'WAIT P95',
        value: ({ waitMs }) => (waitMs.count ? ms(waitMs.p95) : undefined),
        align: 'right',
        fit: 'drop',
      },
      {
        head: 'RUN P50',
        value: ({ runMs }) => (runMs.count ? ms(runMs.p50) : undefined),
        align: 'right',
        fit: 'drop',
      },
      {
        head: 'RUN P99',
        value: ({ runMs }) => (runMs.count ? ms(runMs.p99) : undefined),
        align: 'right',
        fit: 'drop',
      },
      count('STARTED', ({ started }) => started, 'drop'),
      count('CANCELLED', ({ cancelled }) => cancelled, 'drop'),
      count('EXPIRED', ({ expired }) => expired, 'drop'),
      count('LEASE LOST', ({ leaseLost }) => leaseLost, 'drop'),
    ],
    'Nothing was counted in this time.',
  );
}
