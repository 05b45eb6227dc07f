import { hostname } from 'node:os';
import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import type { ProcessFacts } from '../broker/monitor-store.js';
import { VERSION } from '../core/version.js';

/** How often the event loop is looked at. */
const RESOLUTION_MS = 20;
const NS_PER_MS = 1e6;

/** What is told of a process, whatever runs in it. */
export class ProcessObserver {
  readonly #loop: IntervalHistogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  readonly #startedAt = Date.now();

  constructor() {
    this.#loop.enable();
  }

  /** Facts of now; the lag is that since the last call. */
  facts(): Omit<ProcessFacts, 'id' | 'intervalMs'> {
    const { rss, heapUsed } = process.memoryUsage();
    return {
      host: hostname(),
      pid: process.pid,
      version: VERSION,
      startedAt: this.#startedAt,
      eventLoopLagMs: this.#lag(),
      memory: { rssBytes: rss, heapUsedBytes: heapUsed },
    };
  }

  close(): void {
    this.#loop.disable();
  }

  #lag(): { mean: number; p99: number } {
    const { count, mean } = this.#loop;
    const p99 = this.#loop.percentile(99);
    this.#loop.reset();
    // The histogram holds the times between two looks; what is more than asked for is the lag.
    return count === 0 ? { mean: 0, p99: 0 } : { mean: lagOf(mean), p99: lagOf(p99) };
  }
}

function lagOf(ns: number): number {
  return Math.max(0, Math.round((ns / NS_PER_MS - RESOLUTION_MS) * 100) / 100);
}
