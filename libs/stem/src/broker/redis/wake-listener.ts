import type { Redis } from 'ioredis';
import { breakOff } from './client-factory.js';
import type { RedisConnection } from './connection.js';

/** How much longer than asked a blocking read may take before the connection counts as dead. */
const GRACE_MS = 2_000;
/** Pause after a failed wait, so that a broken connection does not make the worker spin. */
const PAUSE_MS = 250;

/** Waits for wake-up markers on a connection of its own, since the wait blocks it. */
export class WakeListener {
  readonly #connection: RedisConnection;
  readonly #keysOf: (queues: readonly string[]) => readonly string[];
  #keys: readonly string[];
  #client: Redis | undefined;
  #stopped = false;
  #endWait: (() => void) | undefined;

  /** @param keysOf the marker lists of queues in every partition served. */
  constructor(
    connection: RedisConnection,
    queues: readonly string[],
    keysOf: (queues: readonly string[]) => readonly string[],
  ) {
    this.#connection = connection;
    this.#keysOf = keysOf;
    this.#keys = keysOf(queues);
  }

  /** Changes the queues, and ends the present wait: it would take a marker that is meant for others. */
  listenTo(queues: readonly string[]): void {
    this.#keys = this.#keysOf(queues);
    if (this.#client?.status === 'ready') breakOff(this.#client);
    this.#endWait?.();
  }

  /** Resolves on a marker, after `timeoutMs`, or after {@link stop}; never rejects. */
  async wait(timeoutMs: number): Promise<void> {
    if (this.#stopped || timeoutMs <= 0) return;
    if (this.#keys.length === 0) return this.#pause(timeoutMs);
    const client = (this.#client ??= this.#connection.sibling());
    if (client.status !== 'ready') {
      // Work may have come in the meantime: whoever waits looks for itself, and comes back.
      const ready = (): void => this.#endWait?.();
      client.once('ready', ready);
      await this.#pause(Math.min(timeoutMs, PAUSE_MS));
      client.off('ready', ready);
      return;
    }
    const startedAt = performance.now();
    // 0 would block for ever.
    const seconds = Math.max(timeoutMs / 1_000, 0.001);
    const marker = client.blpop(...this.#keys, seconds).then(
      () => false,
      () => true,
    );
    const outcome = await Promise.race([
      marker,
      this.#pause(timeoutMs + GRACE_MS).then(() => 'silent'),
    ]);
    this.#endWait?.();
    if (this.#stopped) return;
    if (outcome === 'silent') breakOff(client);
    const failedAtOnce = outcome === true && performance.now() - startedAt < PAUSE_MS;
    if (failedAtOnce) await this.#pause(Math.min(timeoutMs, PAUSE_MS));
  }

  /** Ends the present and every later wait. */
  stop(): void {
    this.#stopped = true;
    this.#endWait?.();
    this.#client?.disconnect();
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#endWait?.(), ms);
      // A literal assigned to a property would be kept until the next full garbage collection; see `OwnCommand`.
      const end = (): void => {
        clearTimeout(timer);
        this.#endWait = undefined;
        resolve();
      };
      this.#endWait = end;
    });
  }
}
