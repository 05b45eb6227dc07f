import { Redis, type RedisOptions } from 'ioredis';

/** Where a Redis is: a URL, ioredis options, or a client whose options are copied. */
export type RedisSource =
  | { readonly url: string; readonly tls?: RedisOptions['tls'] }
  | { readonly options: RedisOptions }
  | { readonly client: Redis };

/** Breaks a connection off at once. Ending it in good order would wait for a peer that does not answer. */
export function breakOff(client: Redis): void {
  if (client.stream) client.stream.destroy();
  else client.disconnect(true);
}

const MAX_BACKOFF_MS = 1_500;
/** A Sentinel that is silent for this long is passed over; ioredis alone would wait for it for ever. */
const SENTINEL_LIMIT_MS = 1_000;

/**
 * Makes a client of our own. A client given by the user is never used itself: its settings may queue or
 * resend commands, and it may be in the middle of a transaction.
 */
export function openClient(
  source: RedisSource,
  connectTimeoutMs: number,
  overrides: RedisOptions,
): Redis {
  const settings: RedisOptions & { replyMapping: 'legacy' } = {
    ...overrides,
    replyMapping: 'legacy',
    lazyConnect: true,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    // 0 makes ioredis reject what was under way as soon as the connection breaks; `null` would leave it
    // without any answer.
    maxRetriesPerRequest: 0,
    connectTimeout: Math.min(connectTimeoutMs, 5_000),
    keepAlive: 5_000,
    // A socket that never opened must not keep the process alive for long.
    disconnectTimeout: 100,
    sentinelCommandTimeout: SENTINEL_LIMIT_MS,
    retryStrategy: backoffMs,
    // After a failover the old master answers READONLY; only a new connection finds the new one.
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
  };
  if ('client' in source) return source.client.duplicate(settings);
  if ('url' in source) {
    return new Redis(source.url, source.tls ? { ...settings, tls: source.tls } : settings);
  }
  return new Redis({ ...source.options, ...settings });
}

/** Doubles from 50 ms to 1.5 s, shortened by up to half at random so that clients do not come back in step. */
function backoffMs(times: number): number {
  return Math.min(50 * 2 ** Math.min(times, 10), MAX_BACKOFF_MS) * (1 - Math.random() / 2);
}
