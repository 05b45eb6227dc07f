import type { MonitorStore, ProcessReport } from '../broker/monitor-store.js';
import { ProcessObserver } from './process-facts.js';

/** So many heartbeats may be missing before a process is forgotten. */
const BEATS_KEPT = 10;

/** A report without what every process tells of itself. */
export type OwnReport = ProcessReport extends infer R
  ? R extends ProcessReport
    ? Omit<R, 'host' | 'pid' | 'version' | 'startedAt' | 'eventLoopLagMs' | 'memory' | 'intervalMs'>
    : never
  : never;

/** What a {@link HeartbeatSender} works with. */
export interface HeartbeatSenderParts {
  readonly store: MonitorStore;
  readonly intervalMs: number;
  /** What the worker or Beat tells of itself now. Its id may change. */
  readonly describe: () => OwnReport;
}

/**
 * Tells the store, again and again, that a worker or Beat is alive, and how it is. A heartbeat that fails
 * is not repeated: the next one comes soon enough, and a missing one is what operators should see.
 */
export class HeartbeatSender {
  readonly #parts: HeartbeatSenderParts;
  readonly #process = new ProcessObserver();
  #timer: NodeJS.Timeout | undefined;
  #sending: Promise<void> | undefined;
  #id: string | undefined;
  #stopped: Promise<void> | undefined;

  constructor(parts: HeartbeatSenderParts) {
    this.#parts = parts;
  }

  /** Sends the first one at once. */
  start(): void {
    void this.beat();
    this.#timer = setInterval(() => void this.beat(), this.#parts.intervalMs).unref();
  }

  /** Sends one now, unless one is under way. Never rejects. */
  beat(): Promise<void> {
    if (this.#stopped) return Promise.resolve();
    return (this.#sending ??= this.#send().finally(() => (this.#sending = undefined)));
  }

  /** Sends none any more, and lets the process be forgotten. Never rejects. */
  stop(): Promise<void> {
    return (this.#stopped ??= this.#stop());
  }

  async #stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#process.close();
    // One that is under way would bring back what is forgotten before it.
    await this.#sending;
    if (this.#id !== undefined) await this.#forget(this.#id);
  }

  async #send(): Promise<void> {
    const { store, intervalMs, describe } = this.#parts;
    try {
      const report = { ...describe(), ...this.#process.facts(), intervalMs } as ProcessReport;
      const before = this.#id;
      this.#id = report.id;
      // After a lost lease a worker goes on under another id.
      if (before !== undefined && before !== report.id) await this.#forget(before);
      await store.beat(report, BEATS_KEPT * intervalMs);
    } catch {
      // That it is missing is seen by whoever reads.
    }
  }

  async #forget(id: string): Promise<void> {
    try {
      await this.#parts.store.forget(id);
    } catch {
      // It is forgotten when its time has run out.
    }
  }
}
