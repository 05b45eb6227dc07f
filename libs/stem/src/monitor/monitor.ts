import type { MonitorEvent, MonitorStore } from '../broker/monitor-store.js';
import type { ResolvedMonitorOptions } from '../config/resolved-config.js';
import type { TaskLogger } from '../core/task-context.js';
import type { TaskObservers } from '../core/task-observer.js';
import { BatchSender } from './batch-sender.js';
import { EventRecorder } from './event-recorder.js';
import { HeartbeatSender, type OwnReport } from './heartbeat-sender.js';
import { MetricsRecorder } from './metrics-recorder.js';

/** What a {@link Monitor} works with. */
export interface MonitorParts {
  readonly store: MonitorStore;
  readonly observers: TaskObservers;
  readonly log: TaskLogger;
  /** The broker's clock. */
  readonly now: () => number;
  readonly options: ResolvedMonitorOptions;
}

/** Shows operators what one Stem of this process does. */
export class Monitor {
  readonly #parts: MonitorParts;
  readonly #metrics: MetricsRecorder | undefined;
  readonly #events: EventRecorder | undefined;
  readonly #sender: BatchSender;
  readonly #heartbeats = new Set<HeartbeatSender>();
  readonly #detach: (() => void)[] = [];

  constructor(parts: MonitorParts) {
    this.#parts = parts;
    const { store, observers, log, now, options } = parts;
    const onFirst = (): void => this.#sender.arm();
    this.#metrics = options.metrics ? new MetricsRecorder(onFirst) : undefined;
    const capacity = Math.ceil((options.eventsPerSecond * options.flushIntervalMs) / 1_000);
    this.#events = options.events ? new EventRecorder({ now, capacity, onFirst }) : undefined;
    this.#sender = new BatchSender({
      store,
      log,
      intervalMs: options.flushIntervalMs,
      countsKeptMs: options.metricsKeptMs,
      eventsKept: options.eventsKept,
      take: () => ({
        counts: this.#metrics?.take() ?? new Map<string, number>(),
        events: this.#events?.take() ?? [],
      }),
    });
    for (const recorder of [this.#metrics, this.#events]) {
      if (recorder) this.#detach.push(observers.add(recorder));
    }
  }

  /** Keeps an event that is about no task of this process. */
  event(event: Omit<MonitorEvent, 'at'>): void {
    this.#events?.add({ ...event, at: this.#parts.now() });
  }

  /**
   * Sends heartbeats of a worker or Beat, from now until it is stopped or the monitor is.
   *
   * @param describe what it tells of itself, each time.
   * @returns nothing when heartbeats are off.
   */
  heartbeat(intervalMs: number, describe: () => OwnReport): HeartbeatSender | undefined {
    const { store, options } = this.#parts;
    if (!options.heartbeats) return undefined;
    const sender = new HeartbeatSender({ store, intervalMs, describe });
    this.#heartbeats.add(sender);
    sender.start();
    return sender;
  }

  /** Sends what there is a last time. Never rejects, and takes `limitMs` at most. */
  async stop(limitMs: number): Promise<void> {
    for (const detach of this.#detach) detach();
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise<void>((resolve) => (timer = setTimeout(resolve, limitMs)));
    await Promise.all([
      this.#sender.stop(limitMs),
      Promise.race([limit, Promise.all([...this.#heartbeats].map((sender) => sender.stop()))]),
    ]);
    clearTimeout(timer);
  }
}
