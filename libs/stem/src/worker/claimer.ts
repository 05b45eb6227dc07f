import type { Consumer, Delivery } from '../broker/broker.js';
import type { TaskLogger } from '../core/task-context.js';

/**
 * Claims under way at once while there is more work than room: Redis works on one, the answer to another
 * is with us, and the third is there when Redis is done, so that neither waits for the other to wake up.
 */
const CLAIMS_IN_FLIGHT = 3;
/** With less than this in each, two claims are under way instead of three: calls cost more than tasks. */
const SMALLEST_SHARE = 10;
const FIRST_BACKOFF_MS = 100;
const LAST_BACKOFF_MS = 5_000;

/** What a {@link Claimer} works with. */
export interface ClaimerParts {
  readonly consumer: Consumer;
  /** Most tasks held at once: waiting for a slot, running, or being settled. */
  readonly prefetch: number;
  /** Below this many tasks waiting for a slot, it is time for more. */
  readonly lowWater: number;
  readonly pollIntervalMs: number;
  readonly log: TaskLogger;
  /** How many tasks are held now. */
  readonly held: () => number;
  /** How many of them wait for a slot. */
  readonly waiting: () => number;
  readonly onClaimed: (deliveries: readonly Delivery[]) => void;
  readonly onLeaseLost: () => void;
}

/**
 * Keeps the worker supplied.
 *
 * Claims while there is room; when a claim finds less than it asked for, the queues are empty, and the
 * claimer sleeps until a wake-up, the next due time, or the poll interval. A broker that does not answer
 * is asked again with growing pauses.
 */
export class Claimer {
  readonly #parts: ClaimerParts;
  /** Asked for, not yet answered. */
  #reserved = 0;
  #inFlight = 0;
  /** The last claim was answered in full: there is probably more. */
  #plenty = false;
  #asleep = false;
  #stopped = false;
  #scheduled = false;
  #backoffMs = FIRST_BACKOFF_MS;
  /** When a claim was last answered, by the monotonic clock. */
  lastAnswerMonotonicMs = performance.now();
  /** Why the last claim was not answered. */
  lastError: unknown;
  #endPause: (() => void) | undefined;

  constructor(parts: ClaimerParts) {
    this.#parts = parts;
  }

  /** Claims stop at once; an answer under way is still handed to `onClaimed`. */
  stop(): void {
    this.#stopped = true;
    this.#endPause?.();
    this.#parts.consumer.stopWaiting();
  }

  /** Whether there should be an answer before long: it asks, or is about to. */
  get isClaiming(): boolean {
    if (this.#stopped) return false;
    return this.#inFlight > 0 || this.#asleep || this.#scheduled || this.#room() >= 1;
  }

  /**
   * Looks at the end of this tick whether there is room for more. Waiting for its end lets the tasks
   * that are settled in it make room, and lets their settlement travel with the claim.
   *
   * With room for a whole share it does not wait. The answers of two claims may arrive together; what they
   * brought ends in one tick, and two claims at its end would be answered together again: Redis and we
   * would take turns from then on, instead of working at the same time.
   */
  refillSoon(): void {
    if (this.#asleep || this.#stopped) return;
    if (this.#plenty && this.#inFlight < CLAIMS_IN_FLIGHT && this.#room() >= this.#share) {
      this.#refill();
      return;
    }
    if (this.#scheduled) return;
    this.#scheduled = true;
    process.nextTick(() => {
      this.#scheduled = false;
      this.#refill();
    });
  }

  #refill(): void {
    while (!this.#stopped && !this.#asleep) {
      if (this.#inFlight >= (this.#plenty ? CLAIMS_IN_FLIGHT : 1)) return;
      const room = this.#room();
      if (room < 1) return;
      void this.#claim(this.#plenty ? Math.min(room, this.#share) : room);
    }
  }

  get #share(): number {
    const { prefetch } = this.#parts;
    const half = Math.ceil(prefetch / 2);
    return Math.max(Math.ceil(prefetch / CLAIMS_IN_FLIGHT), Math.min(half, SMALLEST_SHARE));
  }

  /** How many tasks to ask for now; 0 while it is not worth a call. */
  #room(): number {
    const { prefetch, lowWater, held, waiting } = this.#parts;
    const room = prefetch - held() - this.#reserved;
    const isTime = room >= this.#share || waiting() + this.#reserved < lowWater;
    return isTime ? room : 0;
  }

  async #claim(max: number): Promise<void> {
    this.#reserved += max;
    this.#inFlight++;
    try {
      const outcome = await this.#parts.consumer.claim(max);
      this.lastAnswerMonotonicMs = performance.now();
      this.#backoffMs = FIRST_BACKOFF_MS;
      this.lastError = undefined;
      if (outcome.outcome === 'lease-lost') {
        // One that was stopped may have been closed since: then this says nothing new.
        if (!this.#stopped) this.#parts.onLeaseLost();
        this.#stopped = true;
        return;
      }
      const claimed = outcome.deliveries.length;
      this.#plenty = outcome.mayHaveMore;
      this.#reserved -= max;
      max = 0;
      if (claimed > 0) this.#parts.onClaimed(outcome.deliveries);
    } catch (error) {
      this.#plenty = false;
      await this.#backOff(error);
    } finally {
      this.#reserved -= max;
      this.#inFlight--;
    }
    if (this.#plenty || this.#inFlight > 0) this.refillSoon();
    else void this.#sleep();
  }

  async #sleep(): Promise<void> {
    if (this.#asleep || this.#stopped) return;
    this.#asleep = true;
    await this.#parts.consumer.waitForWork(this.#parts.pollIntervalMs);
    this.#asleep = false;
    this.refillSoon();
  }

  async #backOff(error: unknown): Promise<void> {
    this.lastError = error;
    if (this.#stopped) return;
    const pauseMs = this.#backoffMs * (1 - Math.random() / 2);
    if (this.#backoffMs === FIRST_BACKOFF_MS) {
      this.#parts.log.warn(`Could not claim tasks; trying again. ${String(error)}`);
    }
    this.#backoffMs = Math.min(this.#backoffMs * 2, LAST_BACKOFF_MS);
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, pauseMs);
      const before = this.#endPause;
      this.#endPause = () => {
        clearTimeout(timer);
        resolve();
        before?.();
      };
    });
    this.#endPause = undefined;
  }
}
