import { nanoid } from 'nanoid';
import type { MonitorBatch, MonitorEvent, MonitorStore } from '../broker/monitor-store.js';
import type { TaskLogger } from '../core/task-context.js';

/** Counts in one batch; about half a millisecond for Redis. */
const MOST_COUNTS = 500;
/** Events in one batch, which is one entry of the stream. */
const MOST_EVENTS = 100;
/** Batches that wait while the store is away. What comes later stays with the recorders. */
const MOST_WAITING = 20;

/** What a {@link BatchSender} works with. */
export interface BatchSenderParts {
  readonly store: MonitorStore;
  readonly log: TaskLogger;
  /** Longest time that something waits to be sent, while the store answers. */
  readonly intervalMs: number;
  readonly countsKeptMs: number;
  readonly eventsKept: number;
  /** Hands out what has been counted and seen since the last call. */
  readonly take: () => {
    readonly counts: ReadonlyMap<string, number>;
    readonly events: readonly MonitorEvent[];
  };
}

/**
 * Sends what the recorders have, some time after the first of it. A batch is sent until it is answered,
 * under the same number, so that it is recorded once. While the store is away the recorders go on
 * recording, within their own bounds.
 */
export class BatchSender {
  readonly #parts: BatchSenderParts;
  readonly #source = nanoid(12);
  #number = 0;
  #waiting: MonitorBatch[] = [];
  #timer: NodeJS.Timeout | undefined;
  #sending: Promise<void> | undefined;
  #isFailing = false;
  #isStopped = false;

  constructor(parts: BatchSenderParts) {
    this.#parts = parts;
  }

  /** Sends before long. */
  arm(): void {
    if (this.#timer !== undefined || this.#isStopped) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.flush();
    }, this.#parts.intervalMs).unref();
  }

  /** Sends everything now. Never rejects: what could not be sent stays, and is sent later. */
  flush(): Promise<void> {
    return (this.#sending ??= this.#send().finally(() => (this.#sending = undefined)));
  }

  /** Sends a last time, for `limitMs` at most; then nothing is sent any more. */
  async stop(limitMs: number): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise<void>((resolve) => (timer = setTimeout(resolve, limitMs)));
    // One that is under way may have begun before the last things happened.
    const last = (this.#sending ?? Promise.resolve()).then(() => this.flush());
    await Promise.race([last, limit]);
    clearTimeout(timer);
    this.#waiting = [];
  }

  async #send(): Promise<void> {
    const { store, log } = this.#parts;
    this.#fill();
    for (let batch; (batch = this.#waiting[0]);) {
      try {
        await store.record(batch);
      } catch (error) {
        if (!this.#isFailing) {
          log.warn(
            `What happens here cannot be shown to operators; trying again. ${String(error)}`,
          );
        }
        this.#isFailing = true;
        this.arm();
        return;
      }
      this.#isFailing = false;
      this.#waiting.shift();
      if (this.#waiting.length === 0) return;
    }
  }

  /** Cuts what the recorders have into batches, unless there are enough of them. */
  #fill(): void {
    if (this.#waiting.length >= MOST_WAITING) return;
    const { countsKeptMs, eventsKept, take } = this.#parts;
    const { counts, events } = take();
    const fields = [...counts];
    const count = Math.max(fields.length / MOST_COUNTS, events.length / MOST_EVENTS);
    for (let i = 0; i < count; i++) {
      this.#waiting.push({
        source: this.#source,
        number: ++this.#number,
        counts: new Map(fields.slice(i * MOST_COUNTS, (i + 1) * MOST_COUNTS)),
        countsKeptMs,
        events: events.slice(i * MOST_EVENTS, (i + 1) * MOST_EVENTS),
        eventsKept,
      });
    }
  }
}
