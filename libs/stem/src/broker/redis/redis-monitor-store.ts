import type {
  CountedMinute,
  EventFollower,
  MonitorBatch,
  MonitorStore,
  ProcessReport,
  SeenProcess,
  StoredEvent,
} from '../monitor-store.js';
import type { RedisConnection } from './connection.js';
import { cursorOf, readEventEntry, type EventCursor } from './event-entry.js';
import { PartitionKeys } from './keys.js';
import { RedisEventFollower } from './redis-event-follower.js';
import { beatProcess, listProcesses, recordBatch } from './scripts/monitor.script.js';
import { ScriptCaller } from './scripts/script-caller.js';
import type { ServerClock } from './server-clock.js';

/** Heartbeats and events live in one partition, and so does what processes count. */
const PARTITION = 0;
const MINUTE_MS = 60_000;
/** Most processes that are told of. */
const MOST_PROCESSES = 10_000;
/** Minutes that are read with one round trip. */
const MINUTES_AT_ONCE = 120;
/** Entries that are read at a time; each holds up to a hundred events. */
const ENTRIES_AT_ONCE = 50;

/** Heartbeats, counts and events on Redis, on a broker's connection. */
export class RedisMonitorStore implements MonitorStore {
  readonly #connection: RedisConnection;
  readonly #clock: ServerClock;
  readonly #keys: PartitionKeys;
  readonly #scripts: ScriptCaller;
  /** What nobody but a script can count is counted where the task was. */
  readonly #countedIn: readonly PartitionKeys[];
  readonly #followers = new Set<RedisEventFollower>();

  constructor(options: {
    readonly connection: RedisConnection;
    readonly clock: ServerClock;
    readonly namespace: string;
    readonly partitions: number;
  }) {
    this.#connection = options.connection;
    this.#clock = options.clock;
    this.#keys = new PartitionKeys(options.namespace, PARTITION);
    this.#scripts = new ScriptCaller(this.#connection, this.#keys.prefix);
    this.#countedIn = Array.from(
      { length: options.partitions },
      (_, index) => new PartitionKeys(options.namespace, index),
    );
  }

  record(batch: MonitorBatch): Promise<void> {
    return recordBatch(this.#scripts, batch);
  }

  beat(report: ProcessReport, ttlMs: number): Promise<void> {
    const text = JSON.stringify(report);
    return beatProcess(this.#scripts, { id: report.id, ttlMs, report: text });
  }

  async forget(id: string): Promise<void> {
    await this.#connection.run('forget a process', (client) =>
      Promise.all([client.hdel(this.#keys.processes, id), client.zrem(this.#keys.processEnds, id)]),
    );
  }

  async processes(): Promise<{ now: number; processes: SeenProcess[] }> {
    const { now, texts } = await listProcesses(this.#scripts, MOST_PROCESSES);
    this.#clock.heard(now);
    return { now, processes: texts.flatMap(readSeen) };
  }

  async counts(since: number): Promise<{ now: number; minutes: CountedMinute[] }> {
    const now = this.#clock.now();
    const first = Math.ceil(since / MINUTE_MS) * MINUTE_MS;
    const minutes: CountedMinute[] = [];
    // One more than there are: the clock may be a little behind the server's.
    for (let from = first; from <= now + MINUTE_MS; from += MINUTES_AT_ONCE * MINUTE_MS) {
      const until = Math.min(from + MINUTES_AT_ONCE * MINUTE_MS, now + MINUTE_MS + 1);
      minutes.push(...(await this.#readMinutes(from, until)));
    }
    return { now, minutes };
  }

  async events(query: { after?: string | undefined; limit: number }): Promise<StoredEvent[]> {
    const { after, limit } = query;
    if (limit <= 0) return [];
    return after === undefined ? this.#latest(limit) : this.#after(cursorOf(after), limit);
  }

  followEvents(after?: string): EventFollower {
    const follower = new RedisEventFollower({
      connection: this.#connection,
      key: this.#keys.events,
      from: after === undefined ? undefined : cursorOf(after),
      read: (cursor, limit) => this.#after(cursor, limit),
      onClosed: () => this.#followers.delete(follower),
    });
    this.#followers.add(follower);
    return follower;
  }

  /** Ends what follows; the connection is its owner's. */
  close(): void {
    for (const follower of this.#followers) follower.close();
  }

  async #readMinutes(from: number, until: number): Promise<CountedMinute[]> {
    const starts: number[] = [];
    for (let start = from; start < until; start += MINUTE_MS) starts.push(start);
    // All in one tick, so that they share a round trip.
    const found = await this.#connection.run('read counts', (client) =>
      Promise.all(
        starts.map((start) =>
          Promise.all(this.#countedIn.map((keys) => client.hgetall(keys.counts(start)))),
        ),
      ),
    );
    return starts.flatMap((start, index) => {
      const counts = new Map<string, number>();
      for (const part of found[index] ?? []) {
        for (const [field, text] of Object.entries(part)) {
          counts.set(field, (counts.get(field) ?? 0) + (Number(text) || 0));
        }
      }
      return counts.size > 0 ? [{ from: start, counts }] : [];
    });
  }

  async #latest(limit: number): Promise<StoredEvent[]> {
    const pages: StoredEvent[][] = [];
    let count = 0;
    for (let to = '+'; count < limit;) {
      const entries = await this.#connection.run('read events', (client) =>
        client.xrevrange(this.#keys.events, to, '-', 'COUNT', ENTRIES_AT_ONCE),
      );
      for (const [id, fields] of entries) {
        const events = readEventEntry(id, fields);
        pages.push(events);
        count += events.length;
        if (count >= limit) break;
      }
      if (entries.length < ENTRIES_AT_ONCE) break;
      to = `(${entries.at(-1)?.[0]}`;
    }
    return pages.reverse().flat().slice(-limit);
  }

  async #after({ entry, index }: EventCursor, limit: number): Promise<StoredEvent[]> {
    const found: StoredEvent[] = [];
    for (let from = entry; found.length < limit;) {
      const entries = await this.#connection.run('read events', (client) =>
        client.xrange(this.#keys.events, from, '+', 'COUNT', ENTRIES_AT_ONCE),
      );
      for (const [id, fields] of entries) {
        const events = readEventEntry(id, fields);
        found.push(...(id === entry ? events.slice(index + 1) : events));
      }
      if (entries.length < ENTRIES_AT_ONCE) break;
      from = `(${entries.at(-1)?.[0]}`;
    }
    return found.slice(0, limit);
  }
}

/** A heartbeat from its text; none when it cannot be read. */
function readSeen(text: string): SeenProcess[] {
  const blank = text.indexOf(' ');
  const beatAt = Number(text.slice(0, blank));
  try {
    const report = JSON.parse(text.slice(blank + 1)) as ProcessReport;
    return isReport(report) && Number.isFinite(beatAt) ? [{ report, beatAt }] : [];
  } catch {
    return [];
  }
}

/** Whether it has what is used of it without looking. */
function isReport(report: unknown): report is ProcessReport {
  if (!isRecord(report)) return false;
  const { kind, id, intervalMs, eventLoopLagMs, memory } = report;
  if (typeof id !== 'string' || typeof intervalMs !== 'number') return false;
  if (!isRecord(eventLoopLagMs) || !isRecord(memory)) return false;
  if (kind !== 'worker') return kind === 'beat';
  const { name, queues, paused, counts } = report;
  if (typeof name !== 'string' || !isTexts(queues) || !isTexts(paused)) return false;
  return isRecord(counts) && isRecord(counts['runs']);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function isTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every((one) => typeof one === 'string');
}
