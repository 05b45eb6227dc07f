import type { Broker, ResultBackend } from '../broker/broker.js';
import type { RedisConnection, StoreTarget, TlsOptions } from '../broker/broker-config.js';
import type { ScheduleStore } from '../broker/schedule-store.js';
import { StemConfigError } from '../core/errors.js';

const ACCEPTED =
  'a URL (memory://, memory://name, redis://host:port/db, rediss://host:port/db or ' +
  'redis+sentinel://host:port,host:port/master-name/db), an ioredis instance, or ioredis options';

/** Says where something is to be kept: reads whatever `broker`, `resultBackend` and the like accept. */
export interface TargetReader<TInstance> {
  /** The option or variable the value came from, for errors. */
  readonly option: string;
  readonly tls: TlsOptions | undefined;
  /** Recognises a ready-made instance; absent where none is accepted. */
  readonly isInstance?: (value: object) => value is object & TInstance;
}

/**
 * Reads one `broker`-like option. No password ever gets into an error.
 *
 * @throws {StemConfigError} naming the option.
 */
export function readTarget<TInstance>(
  value: unknown,
  reader: TargetReader<TInstance>,
): StoreTarget<TInstance> {
  if (typeof value === 'string') return readUrl(value.trim(), reader);
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    if (reader.isInstance?.(value)) return { kind: 'instance', instance: value };
    if (isRedisClient(value)) {
      if ('isCluster' in value && value.isCluster === true) throw clusterRefused(reader.option);
      return { kind: 'redis', connection: { client: value } };
    }
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype === Object.prototype || prototype === null) {
      return { kind: 'redis', connection: { options: value } };
    }
  }
  throw new StemConfigError({
    option: reader.option,
    value: typeof value === 'object' && value !== null ? value.constructor?.name : value,
    expected: ACCEPTED,
  });
}

/** Whether `value` can be used as a {@link Broker}. */
export function isBroker(value: object): value is Broker {
  return hasMethods(value, ['connect', 'close', 'enqueue', 'openConsumer', 'waitForEnd']);
}

/** Whether `value` can be used as a {@link ResultBackend}. */
export function isResultBackend(value: object): value is ResultBackend {
  return hasMethods(value, ['connect', 'close', 'put', 'get']);
}

/** Whether `value` can be used as a {@link ScheduleStore}. */
export function isScheduleStore(value: object): value is ScheduleStore {
  return hasMethods(value, ['connect', 'close', 'put', 'due', 'fire', 'watch']);
}

function isRedisClient(value: object): boolean {
  return hasMethods(value, ['duplicate', 'sendCommand']);
}

function hasMethods(value: object, names: readonly string[]): boolean {
  return names.every((name) => typeof (value as Record<string, unknown>)[name] === 'function');
}

function readUrl<TInstance>(
  url: string,
  { option, tls }: TargetReader<TInstance>,
): StoreTarget<TInstance> {
  const refuse = (expected: string): StemConfigError =>
    new StemConfigError({ option, value: url, secret: mayShowSecret(url), expected });
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(url)?.[1]?.toLowerCase();
  switch (scheme) {
    case 'memory': {
      const name = /^memory:\/\/([\w.-]*)\/?$/i.exec(url);
      if (!name) throw refuse('memory:// or memory://name, the name of letters, digits, . - and _');
      return { kind: 'memory', sharedAs: name[1] || undefined };
    }
    case 'redis':
    case 'rediss': {
      const fault = faultInRedisUrl(url);
      if (fault) throw refuse(`${scheme}://[user:password@]host[:port][/db], ${fault}`);
      if (scheme === 'redis' && tls) throw refuse('a rediss:// URL, since TLS options are set');
      return { kind: 'redis', connection: { url, ...(scheme === 'rediss' && tls ? { tls } : {}) } };
    }
    case 'redis+sentinel': {
      const options = readSentinelUrl(url);
      if (!options) {
        throw refuse('redis+sentinel://[user:password@]host:port,host:port/master-name[/db]');
      }
      const connection: RedisConnection = { options: tls ? { ...options, tls } : options };
      return { kind: 'redis', connection };
    }
    case 'redis+cluster':
      throw clusterRefused(option);
    default:
      throw refuse(ACCEPTED);
  }
}

/** A text with an @ outside a URL form that `hidePassword` knows might be a password in the open. */
function mayShowSecret(url: string): boolean {
  return url.includes('@') && !/^[\w+]+:\/\/[^:@/\s]*:\S*@/.test(url);
}

function clusterRefused(option: string): StemConfigError {
  return new StemConfigError({
    option,
    value: 'a Redis Cluster',
    expected:
      'a single Redis or a Sentinel: Redis Cluster is not available in this version of nestjs-stem',
  });
}

function faultInRedisUrl(url: string): string | undefined {
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch {
    return 'with special characters in user and password percent-encoded';
  }
  if (!parsed.hostname) return 'with a host';
  if (!/^\/?$|^\/\d{1,5}$/.test(parsed.pathname)) return 'where db is a number';
  return undefined;
}

const SENTINEL =
  /^redis\+sentinel:\/\/(?:(?<user>[^:@/]*)(?::(?<password>[^@/]*))?@)?(?<hosts>[^/@]+)\/(?<master>[^/?]+)(?:\/(?<db>\d{1,5}))?$/i;
const SENTINEL_PORT = 26_379;

/** Reads the form that ioredis has no URL for, as ioredis options. */
function readSentinelUrl(url: string): object | undefined {
  const parts = SENTINEL.exec(url)?.groups;
  if (!parts) return undefined;
  const sentinels = [];
  for (const address of (parts['hosts'] as string).split(',')) {
    const match = /^(\[[0-9a-f:]+\]|[\w.-]+)(?::(\d{1,5}))?$/i.exec(address);
    const port = Number(match?.[2] ?? SENTINEL_PORT);
    if (!match?.[1] || port < 1 || port > 65_535) return undefined;
    sentinels.push({ host: match[1].replace(/^\[|\]$/g, ''), port });
  }
  try {
    return {
      sentinels,
      name: decodeURIComponent(parts['master'] as string),
      ...(parts['user'] ? { username: decodeURIComponent(parts['user']) } : {}),
      ...(parts['password'] ? { password: decodeURIComponent(parts['password']) } : {}),
      ...(parts['db'] === undefined ? {} : { db: Number(parts['db']) }),
    };
  } catch {
    return undefined; // a percent sign that encodes nothing
  }
}
