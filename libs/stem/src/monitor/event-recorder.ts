import type { MonitorEvent, StemEventType } from '../broker/monitor-store.js';
import { describeFailure } from '../core/failure.js';
import type { SignalledWorker } from '../core/signals.js';
import type { ObservedRun, ObservedTask, TaskObserver } from '../core/task-observer.js';
import type { RunOutcome } from '../core/worker-status.js';
import { TaskEvents } from './task-events.js';

/** Longest reason that an event carries, in characters. */
const REASON_LENGTH = 300;

const TYPE_OF_OUTCOME: Readonly<Record<RunOutcome, StemEventType>> = {
  succeeded: 'task-succeeded',
  failed: 'task-failed',
  retrying: 'task-retried',
  cancelled: 'task-cancelled',
  released: 'task-released',
  'lease-lost': 'task-lease-lost',
};

/** What {@link EventRecorder} works with. */
export interface EventRecorderParts {
  /** The broker's clock. */
  readonly now: () => number;
  /** Events that are kept until they are taken; as many again of those that tell of trouble. */
  readonly capacity: number;
  /** Told of the first event after a {@link EventRecorder.take}. */
  readonly onFirst: () => void;
}

/**
 * Keeps events of this process until they are taken. When there are too many it leaves out those that
 * tell of tasks that are enqueued, started and succeed, then all, and says how many.
 */
export class EventRecorder implements TaskObserver {
  readonly #parts: EventRecorderParts;
  readonly #usual = new TaskEvents();
  #others: OtherEvent[] = [];
  #skipped = 0;

  constructor(parts: EventRecorderParts) {
    this.#parts = parts;
  }

  enqueued(task: ObservedTask): void {
    if (this.#hasRoom()) this.#usual.add('task-enqueued', this.#parts.now(), task, '', Number.NaN);
  }

  cancelled(task: ObservedTask, reason: string): void {
    const at = this.#parts.now();
    this.add({ type: 'task-cancelled', at, task: about(task), reason: shortened(reason) });
  }

  started(run: ObservedRun, worker: SignalledWorker): void {
    if (this.#hasRoom()) this.#usual.add('task-started', run.startedAt, run, worker.id, Number.NaN);
  }

  ended(
    run: ObservedRun,
    worker: SignalledWorker,
    outcome: RunOutcome,
    reason: string | undefined,
    error: unknown,
  ): void {
    const type = TYPE_OF_OUTCOME[outcome];
    const durationMs = Math.round(run.durationMs * 100) / 100;
    if (outcome === 'succeeded') {
      if (this.#hasRoom()) this.#usual.add(type, this.#parts.now(), run, worker.id, durationMs);
      return;
    }
    this.add({
      type,
      at: this.#parts.now(),
      task: about(run),
      worker: worker.id,
      durationMs,
      reason: reasonOf(reason, error),
    });
  }

  /** Keeps an event that is not of the usual kinds. */
  add(event: MonitorEvent): void {
    if (this.#others.length >= this.#parts.capacity) {
      this.#skipped++;
      return;
    }
    this.#tellOfFirst();
    this.#others.push({ event, usualBefore: this.#usual.count });
  }

  /** Hands out what was kept, in the order in which it came, and begins anew. */
  take(): MonitorEvent[] {
    const usual = this.#usual.take();
    const events: MonitorEvent[] = [];
    let from = 0;
    for (const { event, usualBefore } of this.#others) {
      for (; from < usualBefore; from++) events.push(usual[from] as MonitorEvent);
      events.push(event);
    }
    for (; from < usual.length; from++) events.push(usual[from] as MonitorEvent);
    if (this.#skipped > 0) {
      events.push({ type: 'events-skipped', at: this.#parts.now(), count: this.#skipped });
    }
    this.#others = [];
    this.#skipped = 0;
    return events;
  }

  /** Whether one more of the usual ones is kept. At load it is not most of the time: then nothing is built. */
  #hasRoom(): boolean {
    if (this.#usual.count >= this.#parts.capacity) {
      this.#skipped++;
      return false;
    }
    this.#tellOfFirst();
    return true;
  }

  #tellOfFirst(): void {
    if (this.#usual.count === 0 && this.#others.length === 0) this.#parts.onFirst();
  }
}

/** An event of another kind, and how many of the usual ones came before it. */
interface OtherEvent {
  readonly event: MonitorEvent;
  readonly usualBefore: number;
}

function about({ id, name, queue, attempt }: ObservedTask): NonNullable<MonitorEvent['task']> {
  return { id, name, queue, attempt };
}

function reasonOf(reason: string | undefined, error: unknown): string | undefined {
  if (error === undefined) return reason === undefined ? undefined : shortened(reason);
  const { message } = describeFailure(error);
  return shortened(reason === undefined ? message : `${reason}: ${message}`);
}

function shortened(text: string): string {
  return text.length > REASON_LENGTH ? `${text.slice(0, REASON_LENGTH - 1)}…` : text;
}
