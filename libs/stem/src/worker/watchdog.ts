import { describeFailure } from '../core/failure.js';
import { formatDuration } from '../core/duration.js';
import type { TaskLogger } from '../core/task-context.js';
import type { WorkerHealth } from '../core/worker-status.js';

/** What a {@link Watchdog} looks at. */
export interface Watched {
  /** Whether claims should be answered at all: the worker runs, and has room. */
  readonly isClaiming: boolean;
  readonly lastAnswerMonotonicMs: number;
  /** Why the last claim had no answer, if it is known. */
  readonly lastError: unknown;
}

const HEALTHY: WorkerHealth = { status: 'healthy' };
const LOOKS_PER_LIMIT = 10;
const LONGEST_PAUSE_MS = 1_000;

/**
 * Notices a worker that is alive but takes no tasks, whatever the reason. It says so once, when it
 * begins, and once when it is over.
 */
export class Watchdog {
  readonly #limitMs: number;
  readonly #pauseMs: number;
  readonly #log: TaskLogger;
  readonly #watched: () => Watched;
  #timer: NodeJS.Timeout | undefined;
  #lookedMonotonicMs = 0;
  /** Since when answers are due: no earlier than the last time that none was. */
  #dueSinceMonotonicMs = 0;
  #health = HEALTHY;

  /** @param limitMs how long claims may go unanswered. */
  constructor(limitMs: number, log: TaskLogger, watched: () => Watched) {
    this.#limitMs = limitMs;
    this.#pauseMs = Math.min(limitMs / LOOKS_PER_LIMIT, LONGEST_PAUSE_MS);
    this.#log = log;
    this.#watched = watched;
  }

  get health(): WorkerHealth {
    return this.#health;
  }

  start(): void {
    this.#lookedMonotonicMs = performance.now();
    this.#dueSinceMonotonicMs = this.#lookedMonotonicMs;
    this.#timer = setInterval(() => this.#look(), this.#pauseMs).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const now = performance.now();
    const stoodStill = now - this.#lookedMonotonicMs > 2 * this.#pauseMs + LONGEST_PAUSE_MS;
    this.#lookedMonotonicMs = now;
    const { isClaiming, lastAnswerMonotonicMs, lastError } = this.#watched();
    // After this process stood still, answers that have come are not read yet.
    if (!isClaiming || stoodStill) this.#dueSinceMonotonicMs = now;
    const unansweredMs = now - Math.max(lastAnswerMonotonicMs, this.#dueSinceMonotonicMs);
    if (unansweredMs < this.#limitMs) {
      if (this.#health.status === 'unhealthy' && lastAnswerMonotonicMs > now - this.#limitMs) {
        this.#health = HEALTHY;
        this.#log.log('Claims are answered again.');
      }
    } else if (this.#health.status === 'healthy') {
      const why =
        lastError === undefined ? 'no call has failed' : describeFailure(lastError).message;
      const reason = `No claim was answered for ${formatDuration(this.#limitMs)} (${why})`;
      this.#health = { status: 'unhealthy', reason, since: new Date(Date.now() - unansweredMs) };
      this.#log.error(`This worker takes no tasks. ${reason}.`);
    }
  }
}
