/**
 * Durations in buckets that grow by a fifth each, so that a percentile is off by at most a tenth of
 * itself, whatever its size. Shorter than 0.01 ms and longer than a day fall into the first and the last.
 */
const GROWTH = 1.2;
const LEAST_MS = 0.01;
const PER_LOG = 1 / Math.log(GROWTH);
/** Buckets of a histogram. The last one ends at about 32 hours. */
export const BUCKETS = 128;

/** How far a percentile may be off, as a share of itself. */
export const HISTOGRAM_ERROR = (GROWTH - 1) / (GROWTH + 1);

/** The bucket of a duration: `n` is from above `LEAST_MS × GROWTH^(n-1)` to `LEAST_MS × GROWTH^n`. */
export function bucketOf(ms: number): number {
  if (!(ms > LEAST_MS)) return 0;
  const bucket = Math.ceil(Math.log(ms / LEAST_MS) * PER_LOG);
  return bucket < BUCKETS ? bucket : BUCKETS - 1;
}

/** The value that stands for a bucket: equally far, in proportion, from both of its ends. */
export function valueOf(bucket: number): number {
  return bucket === 0 ? 0 : (LEAST_MS * GROWTH ** bucket * 2) / (GROWTH + 1);
}

/** What is known of durations: how many there were, and below which value which share of them lies. */
export interface Percentiles {
  readonly count: number;
  /** In milliseconds, like the others; all are 0 when there were no durations. */
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

/** Durations that were counted in buckets. */
export class Histogram {
  readonly #buckets = new Map<number, number>();

  add(bucket: number, count: number): void {
    if (!(bucket >= 0 && bucket < BUCKETS)) return;
    this.#buckets.set(bucket, (this.#buckets.get(bucket) ?? 0) + count);
  }

  percentiles(): Percentiles {
    const buckets = [...this.#buckets].sort(([a], [b]) => a - b);
    const count = buckets.reduce((sum, [, some]) => sum + some, 0);
    const at = (share: number): number => {
      let left = Math.max(1, Math.ceil(share * count));
      for (const [bucket, some] of buckets) {
        left -= some;
        if (left <= 0) return round(valueOf(bucket));
      }
      return 0;
    };
    return { count, p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) };
  }
}

/** To three significant digits: more would pretend to a precision that is not there. */
function round(ms: number): number {
  return Number(ms.toPrecision(3));
}
