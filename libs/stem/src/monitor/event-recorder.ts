import type { MonitorEvent, StemEventType } from '../broker/monitor-store.js';
import { describeFailure } from '../core/failure.js';
import type { SignalledWorker } from '../core/signals.js';
import type { ObservedRun, ObservedTask, TaskObserver } from '../core/task-observer.js';
import type { RunOutcome } from '../core/worker-status.js';

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
  #events: MonitorEvent[] = [];
  #usual = 0;
  #skipped = 0;

  constructor(parts: EventRecorderParts) {
    this.#parts = parts;
  }

  enqueued(task: ObservedTask): void {
    if (this.#isFullOfUsual()) return;
    this.#push({ type: 'task-enqueued', at: this.#parts.now(), task: about(task) });
  }

  cancelled(task: ObservedTask, reason: string): void {
    const at = this.#parts.now();
    this.add({ type: 'task-cancelled', at, task: about(task), reason: shortened(reason) });
  }

  started(run: ObservedRun, worker: SignalledWorker): void {
    if (this.#isFullOfUsual()) return;
    const { startedAt } = run;
    this.#push({ type: 'task-started', at: startedAt, task: about(run), worker: worker.id });
  }

  ended(
    run: ObservedRun,
    worker: SignalledWorker,
    outcome: RunOutcome,
    reason: string | undefined,
    error: unknown,
  ): void {
    if (outcome === 'succeeded' && this.#isFullOfUsual()) return;
    const event: MonitorEvent = {
      type: TYPE_OF_OUTCOME[outcome],
      at: this.#parts.now(),
      task: about(run),
      worker: worker.id,
      durationMs: Math.round(run.durationMs * 100) / 100,
    };
    if (outcome === 'succeeded') this.#push(event);
    else this.add({ ...event, reason: reasonOf(reason, error) });
  }

  /** Keeps an event that is not of the usual kinds. */
  add(event: MonitorEvent): void {
    if (this.#events.length - this.#usual >= this.#parts.capacity) this.#skip();
    else this.#keep(event);
  }

  /** Hands out what was kept, and begins anew. */
  take(): MonitorEvent[] {
    const events = this.#events;
    if (this.#skipped > 0) {
      events.push({ type: 'events-skipped', at: this.#parts.now(), count: this.#skipped });
    }
    this.#events = [];
    this.#usual = 0;
    this.#skipped = 0;
    return events;
  }

  /** At load it is full most of the time: then nothing is built. */
  #isFullOfUsual(): boolean {
    if (this.#usual < this.#parts.capacity) return false;
    this.#skip();
    return true;
  }

  #push(event: MonitorEvent): void {
    this.#usual++;
    this.#keep(event);
  }

  #keep(event: MonitorEvent): void {
    if (this.#events.length === 0) this.#parts.onFirst();
    this.#events.push(event);
  }

  #skip(): void {
    this.#skipped++;
  }
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
