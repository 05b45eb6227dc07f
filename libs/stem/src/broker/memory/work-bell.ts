import type { Clock } from '../../core/clock.js';

/** Longest delay that `setTimeout` takes; a longer one would fire at once. */
export const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** Somebody who waits for work; may wait at several bells. */
export interface Sleeper {
  /** Must make it leave every bell it waits at. */
  readonly wake: () => void;
}

/**
 * Wakes those who wait for work in one queue: one of them per new task, those who waited longest first,
 * and when a delayed task comes due. Its timer runs only while somebody waits, and lets the process end.
 */
export class WorkBell {
  readonly #sleepers = new Set<Sleeper>();
  readonly #clock: Clock;
  readonly #onDue: () => void;
  #timer: NodeJS.Timeout | undefined;
  #timerAt = Infinity;

  /** @param onDue is called when the time given to {@link expectAt} has come and somebody waits. */
  constructor(clock: Clock, onDue: () => void) {
    this.#clock = clock;
    this.#onDue = onDue;
  }

  /** @param dueAt when the next delayed task of the queue comes due. */
  enter(sleeper: Sleeper, dueAt: number | undefined): void {
    this.#sleepers.add(sleeper);
    if (dueAt !== undefined) this.expectAt(dueAt);
  }

  leave(sleeper: Sleeper): void {
    this.#sleepers.delete(sleeper);
    if (this.#sleepers.size === 0) this.#disarm();
  }

  /** Wakes up to `count` sleepers. */
  ring(count: number): void {
    for (const sleeper of this.#sleepers) {
      if (count-- <= 0) return;
      sleeper.wake();
    }
  }

  /** Says that there will be work at `dueAt`, in milliseconds since 1970. */
  expectAt(dueAt: number): void {
    if (this.#sleepers.size === 0 || dueAt >= this.#timerAt) return;
    this.#disarm();
    this.#timerAt = dueAt;
    const delayMs = Math.min(Math.max(dueAt - this.#clock.now(), 0), MAX_TIMEOUT_MS);
    this.#timer = setTimeout(() => {
      this.#disarm();
      this.#onDue();
    }, delayMs).unref();
  }

  #disarm(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#timerAt = Infinity;
  }
}
