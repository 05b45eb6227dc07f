import type { RateLimitOf } from '../broker.js';

/** Hands out turns under rate limits; each turn is given away once and for all. */
export class RateLimits {
  readonly #nextTurns = new Map<string, number>();

  clear(): void {
    this.#nextTurns.clear();
  }

  /** Takes the next turn, `now` or later. */
  takeTurn({ key, intervalMs }: RateLimitOf, now: number): number {
    const turn = Math.max(this.#nextTurns.get(key) ?? 0, now);
    this.#nextTurns.set(key, turn + intervalMs);
    return Math.ceil(turn);
  }
}
