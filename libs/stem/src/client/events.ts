import type { Broker } from '../broker/broker.js';
import type { EventFollower, StoredEvent } from '../broker/monitor-store.js';
import { requireCount } from '../core/task-options.js';
import { monitorOf } from './monitor-of.js';

/** The follower's read is renewed this often, so that a broken connection is noticed. */
const READ_MS = 5_000;
const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 10_000;

/** Something that happened to a task, a worker, a Beat or a schedule, in any process. */
export interface StemEvent extends Omit<StoredEvent, 'at' | 'schedule'> {
  /** When it happened. Events stand in the order in which they were sent, which may differ a little. */
  readonly at: Date;
  /** The tick that became a task. */
  readonly schedule?: { readonly id: string; readonly scheduledFor: Date } | undefined;
}

/** Options of {@link Events.read}. */
export interface EventReadOptions {
  /** Only events after this cursor, the oldest first; `0` for all that are kept. Default: the latest. */
  readonly after?: string;
  /** Most events to read, 1 to 10,000. Default 100. */
  readonly limit?: number;
}

/** Options of {@link Events.follow}. */
export interface EventFollowOptions {
  /** Ends the iteration. */
  readonly signal?: AbortSignal;
  /** Begins after this cursor. Default: with what happens from now on. */
  readonly after?: string;
}

/** Reads what happens in all processes: `stem.events`. */
export class Events {
  readonly #broker: Broker;

  constructor(broker: Broker) {
    this.#broker = broker;
  }

  /**
   * Events that are kept, in their order.
   *
   * @throws {StemConfigError} when the broker keeps none, or an option is wrong.
   */
  async read({ after, limit = DEFAULT_LIMIT }: EventReadOptions = {}): Promise<StemEvent[]> {
    const events = await monitorOf(this.#broker, 'read events').events({
      after,
      limit: requireCount(limit, 'limit', 1, MAX_LIMIT),
    });
    return events.map(toEvent);
  }

  /**
   * Events as they come, until `signal` aborts or the loop is left. It opens a connection of its own,
   * waits while the broker is away, and goes on where it was; what the stream has dropped meanwhile is
   * missing.
   *
   * @throws {StemConfigError} when the broker keeps none.
   */
  async *follow({ signal, after }: EventFollowOptions = {}): AsyncGenerator<StemEvent, void> {
    const follower: EventFollower = monitorOf(this.#broker, 'follow events').followEvents(after);
    const close = (): void => follower.close();
    signal?.addEventListener('abort', close, { once: true });
    try {
      while (!signal?.aborted) {
        for (const event of await follower.next(READ_MS)) {
          yield toEvent(event);
          if (signal?.aborted) return;
        }
      }
    } finally {
      signal?.removeEventListener('abort', close);
      close();
    }
  }
}

function toEvent({ at, schedule, ...rest }: StoredEvent): StemEvent {
  return {
    ...rest,
    at: new Date(at),
    ...(schedule && {
      schedule: { id: schedule.id, scheduledFor: new Date(schedule.scheduledFor) },
    }),
  };
}
