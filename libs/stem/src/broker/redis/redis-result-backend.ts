import { BrokerFullError } from '../../core/errors.js';
import type { ResultBackend } from '../broker.js';
import { checkServer, type ConnectionOptions, RedisConnection } from './connection.js';
import type { RedisSource } from './client-factory.js';
import { resultKey } from './keys.js';
import { ScriptCaller } from './scripts/script-caller.js';

/** Options of a {@link RedisResultBackend}. */
export interface RedisResultBackendOptions extends Omit<ConnectionOptions, 'source'> {
  readonly connection: RedisSource;
  /** Keeps applications on one server apart. */
  readonly namespace: string;
}

/** Results as plain strings that expire, usually in another database than the tasks. */
export class RedisResultBackend implements ResultBackend {
  readonly #connection: RedisConnection;
  readonly #namespace: string;
  readonly #log: ConnectionOptions['log'];
  #connected: Promise<void> | undefined;

  constructor(options: RedisResultBackendOptions) {
    this.#connection = new RedisConnection({ ...options, source: options.connection });
    this.#namespace = options.namespace;
    this.#log = options.log;
  }

  get description(): string {
    return this.#connection.description;
  }

  connect(): Promise<void> {
    this.#connected ??= (async () => {
      await this.#connection.connect();
      await checkServer(this.#connection, this.#log);
    })();
    return this.#connected;
  }

  close(): Promise<void> {
    this.#connection.close();
    return Promise.resolve();
  }

  async put(key: string, result: string, ttlMs: number): Promise<void> {
    const place = resultKey(this.#namespace, key);
    try {
      await this.#connection.run('keep a result', (client) =>
        client.set(place, result, 'PX', ttlMs),
      );
    } catch (error) {
      if (!(error instanceof BrokerFullError)) throw error;
      await new ScriptCaller(this.#connection, place).call('keep-result', [result, ttlMs]);
    }
  }

  async get(key: string): Promise<string | undefined> {
    const result = await this.#connection.run('read a result', (client) =>
      client.get(resultKey(this.#namespace, key)),
    );
    return result ?? undefined;
  }
}
