import type { Clock } from '../core/clock.js';

/** Stands still until it is moved. */
export class VirtualClock implements Clock {
  #now: number;

  constructor(startsAt: number) {
    this.#now = startsAt;
  }

  now(): number {
    return this.#now;
  }

  /** Moves it forward; never back. */
  moveTo(time: number): void {
    this.#now = Math.max(this.#now, time);
  }
}
