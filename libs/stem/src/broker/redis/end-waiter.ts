import { TaskNotFoundError } from '../../core/errors.js';
import { isTerminal } from '../../core/task-state.js';
import type { TaskRecord } from '../broker.js';
import { Batcher } from './batcher.js';
import { BATCH_LIMITS } from './batch-limits.js';
import type { Partition } from './partition.js';
import { stateOfLetter } from './record-codec.js';
import { watch } from './scripts/task.script.js';
import type { Subscriber } from './subscriber.js';

/** How often everything waited for is asked for again, in case a notification was lost. */
const RECHECK_MS = 5_000;

interface Waiter {
  resolve(record: TaskRecord | undefined): void;
  reject(error: unknown): void;
  timer: NodeJS.Timeout | undefined;
}

/**
 * Waits for the end of tasks, told by notification: one subscription per client, and one registration
 * per task that the settling script answers.
 */
export class EndWaiter {
  readonly #channel: string;
  readonly #subscriber: Subscriber;
  readonly #locate: (id: string) => Promise<Partition | undefined>;
  readonly #waiters = new Map<string, Set<Waiter>>();
  readonly #watchers = new Map<number, Batcher<string, 'waiting' | 'ended' | 'unknown'>>();
  #subscribed: Promise<void> | undefined;
  #recheck: NodeJS.Timeout | undefined;

  /** @param locate the partition that knows a task. */
  constructor(
    channel: string,
    subscriber: Subscriber,
    locate: (id: string) => Promise<Partition | undefined>,
  ) {
    this.#channel = channel;
    this.#subscriber = subscriber;
    this.#locate = locate;
  }

  /** See `Broker.waitForEnd`. */
  wait(id: string, timeoutMs: number): Promise<TaskRecord | undefined> {
    const subscribed = (this.#subscribed ??= this.#subscriber.subscribe(
      this.#channel,
      (message) => {
        this.#onEnded(message.slice(1), message.charAt(0));
      },
    ));
    return new Promise<TaskRecord | undefined>((resolve, reject) => {
      const waiter: Waiter = { resolve, reject, timer: undefined };
      if (timeoutMs <= MAX_TIMER_MS) {
        waiter.timer = setTimeout(() => {
          this.#remove(id, waiter);
          resolve(undefined);
        }, timeoutMs);
      }
      const others = this.#waiters.get(id);
      if (others) others.add(waiter);
      else this.#waiters.set(id, new Set([waiter]));
      this.#recheck ??= setInterval(() => this.recheckAll(), RECHECK_MS).unref();
      // Not before we hear: what is told in between would be missed. Where we never do, because Redis is away
      // or its user may not listen, the recheck finds out.
      void subscribed.catch(() => undefined).then(() => this.#check(id));
    });
  }

  /** Asks for everything that is waited for, since notifications may have been missed. */
  recheckAll(): void {
    for (const id of this.#waiters.keys()) void this.#check(id);
  }

  /** Rejects whoever still waits. */
  close(error: Error): void {
    for (const id of [...this.#waiters.keys()]) this.#settle(id, (waiter) => waiter.reject(error));
  }

  async #check(id: string): Promise<void> {
    try {
      const partition = await this.#locate(id);
      const state = partition ? await this.#watcherOf(partition).add(id) : 'unknown';
      if (state === 'unknown') {
        this.#settle(id, (waiter) => waiter.reject(new TaskNotFoundError(id)));
      } else if (state === 'ended') {
        await this.#resolveWith(id, await partition?.find(id));
      }
    } catch (error) {
      // While the broker is away the recheck goes on; a caller without patience sets a timeout.
      if (!this.#recheck) this.#settle(id, (waiter) => waiter.reject(error));
    }
  }

  #onEnded(id: string, letter: string): void {
    if (!this.#waiters.has(id)) return;
    const state = stateOfLetter(letter);
    void (async () => {
      try {
        const partition = await this.#locate(id);
        const record = await partition?.find(id);
        await this.#resolveWith(
          id,
          // Nothing is kept of a task whose result is ignored; that it ended is all there is to say.
          record ?? (state && isTerminal(state) ? endedWithoutRecord(id, state) : undefined),
        );
      } catch {
        // The recheck asks again.
      }
    })();
  }

  async #resolveWith(id: string, record: TaskRecord | undefined): Promise<void> {
    if (record && !isTerminal(record.state)) {
      await this.#check(id); // replayed in the meantime
    } else if (record) {
      this.#settle(id, (waiter) => waiter.resolve(record));
    } else {
      this.#settle(id, (waiter) => waiter.reject(new TaskNotFoundError(id)));
    }
  }

  #settle(id: string, tell: (waiter: Waiter) => void): void {
    const waiters = this.#waiters.get(id);
    this.#waiters.delete(id);
    for (const waiter of waiters ?? []) {
      clearTimeout(waiter.timer);
      tell(waiter);
    }
    this.#stopRecheckWhenIdle();
  }

  #remove(id: string, waiter: Waiter): void {
    const waiters = this.#waiters.get(id);
    waiters?.delete(waiter);
    if (waiters?.size === 0) this.#waiters.delete(id);
    this.#stopRecheckWhenIdle();
  }

  #stopRecheckWhenIdle(): void {
    if (this.#waiters.size > 0) return;
    clearInterval(this.#recheck);
    this.#recheck = undefined;
  }

  #watcherOf(partition: Partition): Batcher<string, 'waiting' | 'ended' | 'unknown'> {
    let watcher = this.#watchers.get(partition.index);
    if (!watcher) {
      watcher = new Batcher(
        (ids) => watch(partition.scripts, this.#channel, ids),
        BATCH_LIMITS,
        () => ({ count: 1, bytes: 0 }),
      );
      this.#watchers.set(partition.index, watcher);
    }
    return watcher;
  }
}

/** The longest time that a Node timer can wait; longer means for ever. */
const MAX_TIMER_MS = 2 ** 31 - 1;

function endedWithoutRecord(id: string, state: TaskRecord['state']): TaskRecord {
  return {
    id,
    name: '',
    queue: '',
    priority: 0,
    state,
    args: null,
    headers: {},
    meta: {},
    attempt: 0,
    deliveries: 0,
    replays: 0,
    enqueuedAt: 0,
  };
}
