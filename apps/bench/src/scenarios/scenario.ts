import type { Redis } from 'ioredis';
import type { ContenderName } from '../contenders/index.js';

/** How much work a run does. */
export interface Sizes {
  readonly awaited: number;
  readonly concurrent: number;
  readonly bulk: number;
  /** Tasks to run, by concurrency. */
  readonly processing: Readonly<Record<Concurrency, number>>;
  readonly queued: number;
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
  readonly measures: readonly Measure[];
  /** Values by the name of the measure. */
  run(bench: Bench): Promise<Readonly<Record<string, number>>>;
}
