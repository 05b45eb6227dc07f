import { type Clock, systemClock } from '../../core/clock.js';
import type { ResultBackend } from '../broker.js';
import { TimerHeap } from './timer-heap.js';

interface KeptResult {
  readonly key: string;
  readonly text: string;
  /** When it is forgotten. */
  readonly until: number;
}

/** Most results that one call forgets. */
const FORGET_AT_ONCE = 1_000;

/** Results in the memory of this process. */
export class MemoryResultBackend implements ResultBackend {
  readonly description = 'memory://';
  readonly #clock: Clock;
  readonly #results = new Map<string, KeptResult>();
  readonly #ends = new TimerHeap<KeptResult>();

  constructor({ clock = systemClock }: { readonly clock?: Clock } = {}) {
    this.#clock = clock;
  }

  async connect(): Promise<void> {}

  async close(): Promise<void> {}

  async put(key: string, text: string, ttlMs: number): Promise<void> {
    const now = this.#clock.now();
    this.#forgetSome(now);
    const result: KeptResult = { key, text, until: now + ttlMs };
    this.#results.set(key, result);
    this.#ends.add(result.until, result);
  }

  async get(key: string): Promise<string | undefined> {
    const result = this.#results.get(key);
    return result && result.until > this.#clock.now() ? result.text : undefined;
  }

  #forgetSome(now: number): void {
    for (let count = 0; count < FORGET_AT_ONCE; count++) {
      const result = this.#ends.takeDue(now);
      if (!result) return;
      // It may have been written again since, with a later end.
      if (this.#results.get(result.key) === result) this.#results.delete(result.key);
    }
  }
}
