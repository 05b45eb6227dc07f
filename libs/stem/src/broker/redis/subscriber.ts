import type { Redis } from 'ioredis';
import type { RedisConnection } from './connection.js';

/** Listens on channels, on a connection that is opened when the first listener comes. */
export class Subscriber {
  readonly #connection: RedisConnection;
  readonly #listeners = new Map<string, (message: string) => void>();
  readonly #onReconnected: () => void;
  #client: Redis | undefined;

  /** @param onReconnected told when messages may have been missed. */
  constructor(connection: RedisConnection, onReconnected: () => void) {
    this.#connection = connection;
    this.#onReconnected = onReconnected;
  }

  /** Adds the one listener of a channel. Resolves when it hears everything that is sent from now on. */
  async subscribe(channel: string, listener: (message: string) => void): Promise<void> {
    this.#listeners.set(channel, listener);
    const client = (this.#client ??= this.#open());
    if (client.status === 'ready') {
      try {
        await client.subscribe(channel);
        return;
      } catch {
        // The connection broke; the next one subscribes to every channel.
      }
    }
    await this.#nextReady(client);
  }

  /** Ends what {@link subscribe} began. */
  unsubscribe(channel: string): void {
    this.#listeners.delete(channel);
    // Where this fails, the connection is gone, and the next one knows only the channels that are left.
    if (this.#client?.status === 'ready') this.#client.unsubscribe(channel).catch(() => undefined);
  }

  close(): void {
    this.#listeners.clear();
    this.#client?.disconnect();
  }

  #open(): Redis {
    const client = this.#connection.sibling();
    client.on('message', (channel: string, message: string) => {
      this.#listeners.get(channel)?.(message);
    });
    let before = false;
    client.on('ready', () => {
      const channels = [...this.#listeners.keys()];
      if (channels.length === 0) return;
      client.subscribe(...channels).then(
        () => {
          client.emit('subscribed');
          if (before) this.#onReconnected();
          before = true;
        },
        () => undefined, // the connection broke again; 'ready' comes again
      );
    });
    return client;
  }

  #nextReady(client: Redis): Promise<void> {
    return new Promise((resolve) => {
      client.once('subscribed', resolve);
      client.once('end', resolve);
    });
  }
}
