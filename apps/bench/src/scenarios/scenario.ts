import type { Redis } from 'ioredis';
import type { ContenderName } from '../contenders/index.js';

/** How much work is measured, and how much is done before, so that the code is warm. */
export interface Amount {
  readonly tasks: number;
  readonly warmUp: number;
}

/** How much work a run does. */
export interface Sizes {
  readonly awaited: Amount;
  readonly concurrent: Amount;
  readonly bulk: Amount;
  /** Tasks to run, by concurrency. */
  readonly processing: Readonly<Record<Concurrency, Amount>>;
  /** Tasks to run with a handler or a spread that is out of the ordinary. */
  readonly special: Amount;
  readonly io: Amount;
  readonly cpu: Amount;
  /** Tasks of 10 KB. */
  readonly large: Amount;
  readonly inMemory: Amount;
  readonly queued: number;
  readonly latency: number;
  readonly longQueue: number;
  readonly delayed: number;
  readonly idleSeconds: number;
}

export const CONCURRENCIES = [1, 10, 100] as const;

export type Concurrency = (typeof CONCURRENCIES)[number];

/** Where a scenario is run. */
export interface Bench {
  /** An empty server. */
  readonly url: string;
  /** For looking at that server. */
  readonly redis: Redis;
  readonly contender: ContenderName;
  readonly sizes: Sizes;
}

/** One row of the report. */
export interface Measure {
  readonly name: string;
  readonly title: string;
  readonly unit: string;
  readonly better: 'higher' | 'lower';
  /** Rows of costs are shown apart from the headlines. */
  readonly isCost: boolean;
}

/** One piece of work, measured in one or several ways. */
export interface Scenario {
  readonly name: string;
  /** Who takes part. */
  readonly contenders: readonly ContenderName[];
  /** Measured in one round only: it takes long, and counts rather than times. */
  readonly isOnce?: boolean;
  /** Part of the short form. */
  readonly isShort?: boolean;
  readonly measures: readonly Measure[];
  /** Values by the name of the measure. */
  run(bench: Bench): Promise<Readonly<Record<string, number>>>;
}
