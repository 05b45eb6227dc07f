import type { Broker, QueueStats } from '../broker/broker.js';
import type { CountedMinute } from '../broker/monitor-store.js';
import { type CountName, readCountField } from '../core/count-fields.js';
import { type Duration, parseDuration } from '../core/duration.js';
import { Histogram, type Percentiles } from '../monitor/histogram.js';
import { monitorOf } from './monitor-of.js';
import { type WorkerInfo, workersAmong } from './workers.js';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
/** What {@link Counts} of `recent` are about. */
const RECENT_MS = 5 * MINUTE_MS;

/** How often something happened, over all processes. */
export type Counts = Readonly<Record<CountName, number>>;

/** Counts and times of a span of time. */
export interface TaskNumbers extends Counts {
  /** How long runs took, whatever their outcome. Within a tenth of the truth. */
  readonly runMs: Percentiles;
  /** How long tasks had been ready when they were started. Within a tenth of the truth. */
  readonly waitMs: Percentiles;
}

/** Numbers of one task in one queue. */
export interface TaskMetrics extends TaskNumbers {
  readonly task: string;
  readonly queue: string;
  /** The same for the last five minutes. */
  readonly recent: TaskNumbers;
}

/** Numbers of one queue: how it stands now, and what happened in it. */
export interface QueueMetrics extends QueueStats {
  /** For how long the task at its head has been ready; absent when none is. */
  readonly oldestReadyAgeMs: number | undefined;
  /** What happened in it, over all its tasks. */
  readonly counts: Counts;
  /** The same for the last five minutes. */
  readonly recent: Counts;
}

/** What `stem.metrics()` tells. */
export interface StemMetrics {
  /** Counts are from here, the beginning of a minute, … */
  readonly from: Date;
  /** … to here, by the broker's clock. */
  readonly to: Date;
  /** By queue and task; those of which nothing was counted are not there. */
  readonly tasks: TaskMetrics[];
  /** Every queue that was ever used. */
  readonly queues: QueueMetrics[];
  readonly workers: WorkerInfo[];
}

/** Options of `stem.metrics()`. */
export interface MetricsOptions {
  /** How far to look back: `1m` to `1d`, as far as counts are kept. Default `1h`. */
  readonly window?: Duration;
}

/** See `StemClient.metrics`. */
export async function readMetrics(
  broker: Broker,
  { window = '1h' }: MetricsOptions,
): Promise<StemMetrics> {
  const windowMs = parseDuration(window, 'window', { minMs: MINUTE_MS, maxMs: DAY_MS });
  const monitor = monitorOf(broker, 'read metrics');
  const from = startOfMinute(broker.now() - windowMs);
  const [{ now, minutes }, { now: beatsNow, processes }, queues] = await Promise.all([
    monitor.counts(from),
    monitor.processes(),
    broker.listQueues(),
  ]);
  const tasks = tallyTasks(minutes, startOfMinute(now - RECENT_MS));
  const paused = new Set(queues.filter((queue) => queue.paused).map(({ name }) => name));
  return {
    from: new Date(from),
    to: new Date(now),
    tasks,
    queues: queues
      .map((stats) => queueMetrics(stats, tasks, now))
      .sort((a, b) => (a.name < b.name ? -1 : 1)),
    workers: workersAmong(processes, beatsNow, paused),
  };
}

function startOfMinute(ms: number): number {
  return ms - (ms % MINUTE_MS);
}

const NO_COUNTS: Counts = {
  enqueued: 0,
  started: 0,
  succeeded: 0,
  failed: 0,
  retried: 0,
  cancelled: 0,
  expired: 0,
  leaseLost: 0,
};

class Tally {
  readonly counts: Record<CountName, number> = { ...NO_COUNTS };
  readonly run = new Histogram();
  readonly wait = new Histogram();

  numbers(): TaskNumbers {
    return { ...this.counts, runMs: this.run.percentiles(), waitMs: this.wait.percentiles() };
  }
}

/** Sums minutes up, per task and queue. */
function tallyTasks(minutes: readonly CountedMinute[], recentFrom: number): TaskMetrics[] {
  const tallies = new Map<string, { task: string; queue: string; all: Tally; recent: Tally }>();
  for (const { from, counts } of minutes) {
    for (const [text, count] of counts) {
      const field = readCountField(text);
      if (!field || !Number.isSafeInteger(count)) continue;
      const { task, queue, what } = field;
      const key = `${queue}\t${task}`;
      let tally = tallies.get(key);
      if (!tally) {
        tally = { task, queue, all: new Tally(), recent: new Tally() };
        tallies.set(key, tally);
      }
      for (const one of from >= recentFrom ? [tally.all, tally.recent] : [tally.all]) {
        if (typeof what === 'string') one.counts[what] += count;
        else one[what.of].add(what.bucket, count);
      }
    }
  }
  return [...tallies]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, { task, queue, all, recent }]) => {
      return { task, queue, ...all.numbers(), recent: recent.numbers() };
    });
}

function queueMetrics(stats: QueueStats, tasks: readonly TaskMetrics[], now: number): QueueMetrics {
  const own = tasks.filter(({ queue }) => queue === stats.name);
  const { oldestReadyAt } = stats;
  return {
    ...stats,
    oldestReadyAgeMs: oldestReadyAt === undefined ? undefined : Math.max(0, now - oldestReadyAt),
    counts: sumOf(own),
    recent: sumOf(own.map(({ recent }) => recent)),
  };
}

function sumOf(numbers: readonly Counts[]): Counts {
  const sum: Record<CountName, number> = { ...NO_COUNTS };
  for (const one of numbers) {
    for (const name of Object.keys(sum) as CountName[]) sum[name] += one[name];
  }
  return sum;
}
