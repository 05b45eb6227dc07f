import type { Percentiles } from '../monitor/histogram.js';
import type { Counts, StemMetrics } from './metrics.js';

/** The `Content-Type` of what {@link prometheusText} writes. */
export const PROMETHEUS_CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

type Labels = Readonly<Record<string, string>>;
type Samples = readonly (readonly [labels: Labels, value: number])[];

/** Options of {@link prometheusText}. */
export interface PrometheusOptions {
  /** Added to every sample, such as `{ namespace: 'shop' }`. */
  readonly labels?: Labels;
}

/**
 * Writes what `stem.metrics()` tells in the text format of Prometheus, for an endpoint of your own.
 *
 * The numbers are those of all processes: scrape one of them. Those that cover a window are gauges; real
 * counters are those of a queue since it was first used, and of a worker since it was started.
 *
 * @throws {TypeError} when a name in `labels` is none.
 */
export function prometheusText(metrics: StemMetrics, options: PrometheusOptions = {}): string {
  const page = new Page(options.labels ?? {});
  const windowSeconds = (metrics.to.getTime() - metrics.from.getTime()) / 1_000;
  page.add('stem_window_seconds', 'gauge', 'Time that the numbers of the window cover.', [
    [{}, windowSeconds],
  ]);
  addTasks(page, metrics);
  addQueues(page, metrics);
  addWorkers(page, metrics);
  return page.text;
}

const COUNTS: Readonly<Record<keyof Counts, string>> = {
  enqueued: 'enqueued',
  started: 'started',
  succeeded: 'succeeded',
  failed: 'failed',
  retried: 'retried',
  cancelled: 'cancelled',
  expired: 'expired',
  leaseLost: 'lease_lost',
};

function addTasks(page: Page, { tasks }: StemMetrics): void {
  page.add(
    'stem_task_window_events',
    'gauge',
    'What happened to tasks within the window, by event.',
    tasks.flatMap((numbers) => {
      const { task, queue } = numbers;
      return (Object.keys(COUNTS) as (keyof Counts)[]).map(
        (event) => [{ task, queue, event: COUNTS[event] }, numbers[event]] as const,
      );
    }),
  );
  page.add(
    'stem_task_run_seconds',
    'gauge',
    'How long runs took within the window, by quantile.',
    tasks.flatMap(({ task, queue, runMs }) => quantiles({ task, queue }, runMs)),
  );
  page.add(
    'stem_task_wait_seconds',
    'gauge',
    'How long tasks had been ready when they started within the window, by quantile.',
    tasks.flatMap(({ task, queue, waitMs }) => quantiles({ task, queue }, waitMs)),
  );
}

function addQueues(page: Page, { queues }: StemMetrics): void {
  type Queue = StemMetrics['queues'][number];
  const add = (
    name: string,
    type: 'gauge' | 'counter',
    help: string,
    value: (queue: Queue) => number | undefined,
  ): void =>
    page.add(
      `stem_queue_${name}`,
      type,
      help,
      queues.flatMap((queue) => {
        const number = value(queue);
        return number === undefined ? [] : [[{ queue: queue.name }, number] as const];
      }),
    );
  add('ready_tasks', 'gauge', 'Tasks that are ready to be taken.', ({ queued }) => queued);
  add('scheduled_tasks', 'gauge', 'Delayed tasks and retries.', ({ scheduled }) => scheduled);
  add('running_tasks', 'gauge', 'Tasks in the hands of workers.', ({ running }) => running);
  add('dead_letters', 'gauge', 'Tasks that gave up.', ({ deadLetters }) => deadLetters);
  add('paused', 'gauge', 'Whether the queue is paused.', ({ paused }) => Number(paused));
  add(
    'oldest_ready_age_seconds',
    'gauge',
    'For how long the task at the head has been ready.',
    ({ oldestReadyAgeMs }) => (oldestReadyAgeMs === undefined ? undefined : oldestReadyAgeMs / 1e3),
  );
  add('succeeded_total', 'counter', 'Tasks that succeeded.', ({ succeeded }) => succeeded);
  add('failed_total', 'counter', 'Tasks that became dead letters.', ({ failed }) => failed);
  add('retried_total', 'counter', 'Attempts that were followed by another.', (queue) => {
    return queue.retried;
  });
}

function addWorkers(page: Page, { workers }: StemMetrics): void {
  type Worker = StemMetrics['workers'][number];
  const labelsOf = ({ id, name, host }: Worker): Labels => ({ worker: id, name, host });
  const add = (name: string, help: string, value: (worker: Worker) => number): void =>
    page.add(
      `stem_worker_${name}`,
      'gauge',
      help,
      workers.map((worker) => [labelsOf(worker), value(worker)]),
    );
  add('alive', 'Whether its heartbeats come.', ({ isAlive }) => Number(isAlive));
  add('healthy', 'Whether it takes tasks.', ({ health }) => Number(health.status === 'healthy'));
  add('heartbeat_age_seconds', 'Time since its last heartbeat.', (worker) => {
    return worker.heartbeatAgeMs / 1e3;
  });
  add('concurrency', 'Handlers that may run.', ({ concurrency }) => concurrency);
  add('running_tasks', 'Handlers that run.', ({ running }) => running);
  add('held_tasks', 'Tasks in its hands, the running ones included.', ({ held }) => held);
  add('event_loop_lag_seconds', '99th percentile between its last heartbeats.', (worker) => {
    return worker.eventLoopLagMs.p99 / 1e3;
  });
  add('resident_memory_bytes', 'Memory of its process.', ({ memory }) => memory.rssBytes);
  add('heap_used_bytes', 'Heap of its process.', ({ memory }) => memory.heapUsedBytes);
  page.add(
    'stem_worker_runs_total',
    'counter',
    'Runs since it was started, by outcome.',
    workers.flatMap((worker) =>
      Object.entries(worker.counts.runs).map(
        ([outcome, count]) => [{ ...labelsOf(worker), outcome }, count] as const,
      ),
    ),
  );
  page.add(
    'stem_worker_leases_lost_total',
    'counter',
    'Leases that it lost since it was started.',
    workers.map((worker) => [labelsOf(worker), worker.counts.leasesLost]),
  );
}

function quantiles(labels: Labels, { count, p50, p95, p99, max }: Percentiles): Samples {
  if (count === 0) return [];
  const at = [
    ['0.5', p50],
    ['0.95', p95],
    ['0.99', p99],
    ['1', max],
  ] as const;
  return at.map(([quantile, ms]) => [{ ...labels, quantile }, ms / 1_000] as const);
}

const LABEL_NAME = /^(?!__)[a-zA-Z_][a-zA-Z0-9_]*$/;

/** A page in the text format. */
class Page {
  readonly #common: Labels;
  text = '';

  constructor(common: Labels) {
    for (const name of Object.keys(common)) {
      if (!LABEL_NAME.test(name)) throw new TypeError(`'${name}' is no name of a label.`);
    }
    this.#common = common;
  }

  /** Adds a metric; nothing when there is no sample of it. */
  add(name: string, type: 'gauge' | 'counter', help: string, samples: Samples): void {
    if (samples.length === 0) return;
    this.text += `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;
    for (const [labels, value] of samples) {
      // Our own labels win: they tell samples of one metric apart.
      const all = Object.entries({ ...this.#common, ...labels });
      const list = all.map(([label, text]) => `${label}="${escaped(text)}"`).join(',');
      this.text += `${name}${list === '' ? '' : `{${list}}`} ${value}\n`;
    }
  }
}

function escaped(text: string): string {
  return text.replace(/\\/g, '\\\\').replace(/\n/g, '\\n').replace(/"/g, '\\"');
}
