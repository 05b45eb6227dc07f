import type { Clock } from '../../core/clock.js';
import { notACursor } from '../event-cursor.js';
import type {
  CountedMinute,
  EventFollower,
  MonitorBatch,
  MonitorEvent,
  MonitorStore,
  ProcessReport,
  SeenProcess,
  StoredEvent,
} from '../monitor-store.js';

const MINUTE_MS = 60_000;
/** Most events that one read of a follower brings. */
const FOLLOW_AT_ONCE = 500;

interface KeptProcess {
  readonly report: string;
  readonly beatAt: number;
  readonly forgetAt: number;
}

interface KeptMinute {
  readonly counts: Map<string, number>;
  forgetAt: number;
}

/** What the monitor stores of brokers share that work on the same memory. */
export class MonitorMemory {
  readonly processes = new Map<string, KeptProcess>();
  readonly minutes = new Map<number, KeptMinute>();
  readonly events: StoredEvent[] = [];
  readonly recorded = new Map<string, number>();
  readonly listeners = new Set<() => void>();
  eventsSoFar = 0;

  /** Adds to the present minute. */
  count(counts: Iterable<readonly [string, number]>, now: number, keptMs: number): void {
    const { minutes } = this;
    const from = now - (now % MINUTE_MS);
    for (const [minute, { forgetAt }] of minutes) if (forgetAt <= now) minutes.delete(minute);
    let minute: KeptMinute | undefined;
    for (const [field, by] of counts) {
      minute ??= minutes.get(from) ?? { counts: new Map<string, number>(), forgetAt: 0 };
      minute.counts.set(field, (minute.counts.get(field) ?? 0) + by);
    }
    if (!minute) return;
    minute.forgetAt = Math.max(minute.forgetAt, from + MINUTE_MS + keptMs);
    minutes.set(from, minute);
  }
}

/** Heartbeats, counts and events in the memory of this process. */
export class MemoryMonitorStore implements MonitorStore {
  readonly #clock: Clock;
  readonly #memory: MonitorMemory;

  constructor(clock: Clock, memory: MonitorMemory = new MonitorMemory()) {
    this.#clock = clock;
    this.#memory = memory;
  }

  async record(batch: MonitorBatch): Promise<void> {
    const { recorded } = this.#memory;
    if (batch.number <= (recorded.get(batch.source) ?? 0)) return;
    recorded.set(batch.source, batch.number);
    this.#memory.count(batch.counts, this.#clock.now(), batch.countsKeptMs);
    this.#append(batch.events, batch.eventsKept);
  }

  async beat(report: ProcessReport, ttlMs: number): Promise<void> {
    const now = this.#clock.now();
    const kept = { report: JSON.stringify(report), beatAt: now, forgetAt: now + ttlMs };
    this.#memory.processes.set(report.id, kept);
  }

  async forget(id: string): Promise<void> {
    this.#memory.processes.delete(id);
  }

  async processes(): Promise<{ now: number; processes: SeenProcess[] }> {
    const now = this.#clock.now();
    const seen: SeenProcess[] = [];
    for (const [id, { report, beatAt, forgetAt }] of this.#memory.processes) {
      if (forgetAt <= now) this.#memory.processes.delete(id);
      else seen.push({ report: JSON.parse(report) as ProcessReport, beatAt });
    }
    return { now, processes: seen };
  }

  async counts(since: number): Promise<{ now: number; minutes: CountedMinute[] }> {
    const now = this.#clock.now();
    const minutes = [...this.#memory.minutes]
      .filter(([from, { forgetAt }]) => from >= since && forgetAt > now)
      .map(([from, { counts }]) => ({ from, counts: new Map(counts) }))
      .sort((a, b) => a.from - b.from);
    return { now, minutes };
  }

  async events(query: {
    readonly after?: string | undefined;
    readonly limit: number;
  }): Promise<StoredEvent[]> {
    const { events } = this.#memory;
    if (query.limit <= 0) return [];
    if (query.after === undefined) return events.slice(-query.limit);
    return this.#after(positionOf(query.after), query.limit);
  }

  followEvents(after?: string): EventFollower {
    const { listeners } = this.#memory;
    let last = after === undefined ? this.#memory.eventsSoFar : positionOf(after);
    let isClosed = false;
    let wake: (() => void) | undefined;
    const read = (): StoredEvent[] => {
      const events = isClosed ? [] : this.#after(last, FOLLOW_AT_ONCE);
      last = Number(events.at(-1)?.cursor ?? last);
      return events;
    };
    return {
      async next(timeoutMs) {
        const events = read();
        if (events.length > 0 || isClosed) return events;
        await new Promise<void>((resolve) => {
          const timer = setTimeout(() => wake?.(), timeoutMs);
          wake = () => {
            clearTimeout(timer);
            listeners.delete(wake as () => void);
            wake = undefined;
            resolve();
          };
          listeners.add(wake);
        });
        return read();
      },
      close() {
        isClosed = true;
        wake?.();
      },
    };
  }

  #after(cursor: number, limit: number): StoredEvent[] {
    const { events } = this.#memory;
    const from = Math.max(0, cursor - Number(events[0]?.cursor ?? 0) + 1);
    return events.slice(from, from + limit);
  }

  #append(added: readonly MonitorEvent[], kept: number): void {
    const { events, listeners } = this.#memory;
    for (const event of added) {
      events.push({ ...event, cursor: String(++this.#memory.eventsSoFar) });
    }
    if (events.length > kept) events.splice(0, events.length - kept);
    if (added.length > 0) for (const listener of [...listeners]) listener();
  }
}

/** @throws {StemConfigError} when the text is no cursor. */
function positionOf(cursor: string): number {
  if (!/^\d{1,15}$/.test(cursor)) throw notACursor(cursor);
  return Number(cursor);
}
