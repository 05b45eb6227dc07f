import type { Redis } from 'ioredis';
import { BrokerTimeoutError, BrokerUnavailableError } from '../../core/errors.js';
import type { EventFollower, StoredEvent } from '../monitor-store.js';
import { breakOff } from './client-factory.js';
import type { RedisConnection } from './connection.js';
import { cursorOf, type EventCursor } from './event-entry.js';

/** Most events that one read brings. */
const READ_AT_ONCE = 500;
/** How much longer than asked a blocking read may take before the connection counts as dead. */
const GRACE_MS = 2_000;
/** Pause after a read that failed, so that a broker that is away does not make the reader spin. */
const PAUSE_MS = 250;

/** What a {@link RedisEventFollower} works with. */
export interface RedisEventFollowerParts {
  readonly connection: RedisConnection;
  /** Of the stream. */
  readonly key: string;
  /** Where to begin; with what comes next, when absent. */
  readonly from: EventCursor | undefined;
  readonly read: (cursor: EventCursor, limit: number) => Promise<StoredEvent[]>;
  readonly onClosed: () => void;
}

/**
 * Follows the stream of events. It waits on a connection of its own, since the wait blocks it, and reads
 * on the broker's.
 */
export class RedisEventFollower implements EventFollower {
  readonly #parts: RedisEventFollowerParts;
  /** The place from which to read: the end of the stream, when no other was given. */
  #cursor: Promise<EventCursor>;
  #client: Redis | undefined;
  #isClosed = false;
  #endPause: (() => void) | undefined;

  constructor(parts: RedisEventFollowerParts) {
    this.#parts = parts;
    this.#cursor = parts.from ? Promise.resolve(parts.from) : this.#findEnd();
    this.#cursor.catch(() => undefined); // met by the first call of next
  }

  async next(timeoutMs: number): Promise<StoredEvent[]> {
    for (const deadline = performance.now() + timeoutMs; !this.#isClosed;) {
      try {
        const cursor = await this.#cursor;
        const events = await this.#parts.read(cursor, READ_AT_ONCE);
        const last = events.at(-1);
        if (last) {
          this.#cursor = Promise.resolve(cursorOf(last.cursor));
          return this.#isClosed ? [] : events;
        }
        const leftMs = deadline - performance.now();
        if (leftMs <= 0) return [];
        await this.#waitAfter(cursor.entry, leftMs);
      } catch (error) {
        const isAway =
          error instanceof BrokerUnavailableError || error instanceof BrokerTimeoutError;
        if (!isAway && !this.#isClosed) throw error;
        this.#cursor = this.#cursor.catch(() => this.#findEnd());
        this.#cursor.catch(() => undefined);
        await this.#pause(PAUSE_MS);
        if (performance.now() >= deadline) return [];
      }
    }
    return [];
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#endPause?.();
    this.#client?.disconnect();
    this.#parts.onClosed();
  }

  async #findEnd(): Promise<EventCursor> {
    const [last] = await this.#parts.connection.run('find the last event', (client) =>
      client.xrevrange(this.#parts.key, '+', '-', 'COUNT', 1),
    );
    // All events of the entry are passed over, however many it holds.
    return last ? { entry: last[0], index: Infinity } : { entry: '0', index: -1 };
  }

  /** Resolves when there may be an entry after `entry`, after the time, or when closed. */
  async #waitAfter(entry: string, timeoutMs: number): Promise<void> {
    const client = (this.#client ??= this.#parts.connection.sibling());
    if (client.status !== 'ready') {
      const ready = (): void => this.#endPause?.();
      client.once('ready', ready);
      await this.#pause(Math.min(timeoutMs, PAUSE_MS));
      client.off('ready', ready);
      return;
    }
    // 0 would block for ever.
    const block = Math.max(1, Math.ceil(timeoutMs));
    const read = client.xread('COUNT', 1, 'BLOCK', block, 'STREAMS', this.#parts.key, entry).then(
      () => 'answered' as const,
      () => 'failed' as const,
    );
    const silence = this.#pause(timeoutMs + GRACE_MS).then(() => 'silent' as const);
    const outcome = await Promise.race([read, silence]);
    this.#endPause?.();
    if (this.#isClosed) return;
    if (outcome === 'silent') breakOff(client);
    if (outcome === 'failed') await this.#pause(Math.min(timeoutMs, PAUSE_MS));
  }

  #pause(ms: number): Promise<void> {
    if (this.#isClosed) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#endPause?.(), ms);
      this.#endPause = () => {
        clearTimeout(timer);
        this.#endPause = undefined;
        resolve();
      };
    });
  }
}
