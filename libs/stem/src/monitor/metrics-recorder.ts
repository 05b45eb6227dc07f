import { type CountName, countField, durationField } from '../core/count-fields.js';
import type { ObservedRun, ObservedTask, TaskObserver } from '../core/task-observer.js';
import type { RunOutcome } from '../core/worker-status.js';
import { BUCKETS, bucketOf } from './histogram.js';

/** Pairs of task and queue that are counted apart until the next batch; more are counted together. */
const MOST_SERIES = 1_000;
/** Task and queue of what comes after that. */
export const OTHERS = '(others)';

type Counted = Exclude<CountName, 'expired' | 'leaseLost'>;

/** `released` and `lease-lost` are not here: the one is no end, the other is counted by the broker. */
const COUNT_OF_OUTCOME: Readonly<Partial<Record<RunOutcome, Counted>>> = {
  succeeded: 'succeeded',
  failed: 'failed',
  retrying: 'retried',
  cancelled: 'cancelled',
};

/** What was counted of one task in one queue since the last batch. */
class Series {
  enqueued = 0;
  started = 0;
  succeeded = 0;
  failed = 0;
  retried = 0;
  cancelled = 0;
  readonly run = new Uint32Array(BUCKETS);
  readonly wait = new Uint32Array(BUCKETS);

  constructor(
    readonly task: string,
    readonly queue: string,
  ) {}

  addTo(counts: Map<string, number>): void {
    const { task, queue } = this;
    for (const name of COUNTED) {
      if (this[name] > 0) counts.set(countField(name, task, queue), this[name]);
    }
    for (const kind of ['run', 'wait'] as const) {
      const buckets = this[kind];
      for (let bucket = 0; bucket < BUCKETS; bucket++) {
        const count = buckets[bucket] as number;
        if (count > 0) counts.set(durationField(kind, bucket, task, queue), count);
      }
    }
  }
}

const COUNTED: readonly Counted[] = [
  'enqueued',
  'started',
  'succeeded',
  'failed',
  'retried',
  'cancelled',
];

/**
 * Counts what this process does, per task and queue, until the counts are taken. What it holds is bounded
 * by the number of tasks, however many of them run and however long nobody takes the counts.
 */
export class MetricsRecorder implements TaskObserver {
  readonly #onFirst: () => void;
  readonly #queues = new Map<string, Map<string, Series>>();
  #size = 0;
  /** The one that was counted last: mostly it is the next one, too. */
  #last: Series | undefined;

  /** @param onFirst told of the first count after a {@link take}. */
  constructor(onFirst: () => void) {
    this.#onFirst = onFirst;
  }

  enqueued(task: ObservedTask): void {
    this.#seriesOf(task).enqueued++;
  }

  started(run: ObservedRun): void {
    const series = this.#seriesOf(run);
    series.started++;
    const { waitedMs } = run;
    if (waitedMs !== undefined) (series.wait[bucketOf(waitedMs)] as number)++;
  }

  ended(run: ObservedRun, _worker: unknown, outcome: RunOutcome): void {
    const name = COUNT_OF_OUTCOME[outcome];
    if (name === undefined) return;
    const series = this.#seriesOf(run);
    series[name]++;
    (series.run[bucketOf(run.durationMs)] as number)++;
  }

  /** Hands out what was counted, and begins anew. */
  take(): Map<string, number> {
    const counts = new Map<string, number>();
    for (const tasks of this.#queues.values()) {
      for (const series of tasks.values()) series.addTo(counts);
    }
    this.#queues.clear();
    this.#size = 0;
    this.#last = undefined;
    return counts;
  }

  #seriesOf({ name, queue }: { readonly name: string; readonly queue: string }): Series {
    const last = this.#last;
    if (last !== undefined && last.task === name && last.queue === queue) return last;
    return (this.#last = this.#find(name, queue) ?? this.#make(name, queue));
  }

  #find(task: string, queue: string): Series | undefined {
    return this.#queues.get(queue)?.get(task);
  }

  #make(task: string, queue: string): Series {
    if (this.#size === 0) this.#onFirst();
    if (this.#size >= MOST_SERIES && task !== OTHERS) {
      return this.#find(OTHERS, OTHERS) ?? this.#make(OTHERS, OTHERS);
    }
    const series = new Series(task, queue);
    let tasks = this.#queues.get(queue);
    if (!tasks) this.#queues.set(queue, (tasks = new Map<string, Series>()));
    tasks.set(task, series);
    this.#size++;
    return series;
  }
}
