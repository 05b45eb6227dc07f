import { formatDuration } from '../core/duration.js';

/** How a Beat is. Times are by the process's own clock. */
export interface BeatStatus {
  /** Whether its last look at the schedules succeeded, and the next one is not late. */
  readonly isTicking: boolean;
  /** Why not. */
  readonly reason: string | undefined;
  /** When it last looked with success. */
  readonly lookedAt: number | undefined;
  /** When it last turned a tick into a task. */
  readonly dispatchedAt: number | undefined;
  /** How many ticks it has turned into tasks. */
  readonly dispatched: number;
}

/** So much later than planned a look may come, before something is wrong. */
const GRACE_MS = 30_000;

/** Keeps what there is to say of a Beat. */
export class StatusKeeper {
  #lookedAt: number | undefined;
  #nextLookMonotonicMs = performance.now();
  #error: string | undefined;
  #dispatchedAt: number | undefined;
  #dispatched = 0;

  get status(): BeatStatus {
    const lateMs = performance.now() - this.#nextLookMonotonicMs;
    const reason =
      this.#error ??
      (lateMs > GRACE_MS
        ? `its look at the schedules is ${formatDuration(Math.round(lateMs / 1_000) * 1_000)} late`
        : undefined);
    return {
      isTicking: reason === undefined,
      reason,
      lookedAt: this.#lookedAt,
      dispatchedAt: this.#dispatchedAt,
      dispatched: this.#dispatched,
    };
  }

  /** It has looked, and carried out what was due; the next look comes within `waitMs`. */
  looked(waitMs: number): void {
    this.#lookedAt = Date.now();
    this.#nextLookMonotonicMs = performance.now() + waitMs;
    this.#error = undefined;
  }

  failed(message: string): void {
    this.#error = message;
  }

  dispatched(): void {
    this.#dispatched++;
    this.#dispatchedAt = Date.now();
  }
}
