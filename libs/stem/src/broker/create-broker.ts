import { StemConfigError } from '../core/errors.js';
import type { Broker, ResultBackend } from './broker.js';
import type {
  ResolvedBrokerConfig,
  ResolvedResultBackendConfig,
  ResolvedScheduleStoreConfig,
} from './broker-config.js';
import { MemoryBroker } from './memory/memory-broker.js';
import { MemoryResultBackend } from './memory/memory-result-backend.js';
import { MemorySchedules, MemoryScheduleStore } from './memory/memory-schedule-store.js';
import type { ScheduleStore } from './schedule-store.js';

/** Content of `memory://name`, by name and namespace; it lasts as long as the process. */
const sharedBrokers = new Map<string, MemoryBroker>();
const sharedResultBackends = new Map<string, MemoryResultBackend>();
const sharedSchedules = new Map<string, MemorySchedules>();

/**
 * Makes the broker that a configuration asks for; it is not connected yet.
 *
 * @throws {StemConfigError} when it needs ioredis, which is not installed.
 */
export async function createBroker(config: ResolvedBrokerConfig): Promise<Broker> {
  const { target, namespace } = config;
  switch (target.kind) {
    case 'instance':
      return target.instance;
    case 'memory': {
      const options = { namespace, ...(config.clock ? { clock: config.clock } : {}) };
      if (target.sharedAs === undefined) return new MemoryBroker(options);
      const content = shared(sharedBrokers, `${target.sharedAs}\n${namespace}`, () => {
        return new MemoryBroker(options);
      });
      // One broker each, so that closing one leaves the others open.
      return new MemoryBroker({ ...options, sharedWith: content });
    }
    case 'redis': {
      const { RedisBroker } = await loadRedis(() => import('./redis/redis-broker.js'));
      type Options = ConstructorParameters<typeof RedisBroker>[0];
      return new RedisBroker({
        connection: target.connection as Options['connection'],
        namespace,
        partitions: config.partitions,
        commandTimeoutMs: config.commandTimeoutMs,
        connectTimeoutMs: config.connectTimeoutMs,
        onConnectFailure: config.onConnectFailure,
        limits: { recordBytes: config.recordBytes },
        ...(config.log ? { log: config.log } : {}),
      });
    }
  }
}

/**
 * Makes the result backend that a configuration asks for; it is not connected yet.
 *
 * @throws {StemConfigError} when it needs ioredis, which is not installed.
 */
export async function createResultBackend(
  config: ResolvedResultBackendConfig,
): Promise<ResultBackend> {
  const { target, namespace } = config;
  switch (target.kind) {
    case 'instance':
      return target.instance;
    case 'memory': {
      const create = (): MemoryResultBackend =>
        new MemoryResultBackend(config.clock ? { clock: config.clock } : {});
      if (target.sharedAs === undefined) return create();
      return shared(sharedResultBackends, `${target.sharedAs}\n${namespace}`, create);
    }
    case 'redis': {
      const { RedisResultBackend } = await loadRedis(
        () => import('./redis/redis-result-backend.js'),
      );
      type Options = ConstructorParameters<typeof RedisResultBackend>[0];
      return new RedisResultBackend({
        connection: target.connection as Options['connection'],
        namespace,
        commandTimeoutMs: config.commandTimeoutMs,
        connectTimeoutMs: config.connectTimeoutMs,
        onConnectFailure: config.onConnectFailure,
        ...(config.log ? { log: config.log } : {}),
      });
    }
  }
}

/**
 * Makes the store of schedules that a configuration asks for; it is not connected yet.
 *
 * @throws {StemConfigError} when it needs ioredis, which is not installed.
 */
export async function createScheduleStore(
  config: ResolvedScheduleStoreConfig,
): Promise<ScheduleStore> {
  const { target, namespace } = config;
  switch (target.kind) {
    case 'instance':
      return target.instance;
    case 'memory': {
      const create = (): MemorySchedules => new MemorySchedules();
      const content =
        target.sharedAs === undefined
          ? create()
          : shared(sharedSchedules, `${target.sharedAs}\n${namespace}`, create);
      return new MemoryScheduleStore({ content, clock: config.clock });
    }
    case 'redis': {
      const { RedisScheduleStore } = await loadRedis(
        () => import('./redis/redis-schedule-store.js'),
      );
      type Options = Extract<
        ConstructorParameters<typeof RedisScheduleStore>[0],
        { connection: unknown }
      >;
      return new RedisScheduleStore({
        connection: target.connection as Options['connection'],
        namespace,
        commandTimeoutMs: config.commandTimeoutMs,
        connectTimeoutMs: config.connectTimeoutMs,
        onConnectFailure: config.onConnectFailure,
        ...(config.log ? { log: config.log } : {}),
      });
    }
  }
}

function shared<T>(instances: Map<string, T>, key: string, create: () => T): T {
  const known = instances.get(key) ?? create();
  instances.set(key, known);
  return known;
}

/** Loads the Redis adapter, which needs a package that not everybody installs. */
async function loadRedis<T>(load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const missing = code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND';
    if (!missing || !/['"]ioredis['"]/.test(message)) throw error;
    throw new StemConfigError(
      {
        option: 'The package ioredis',
        expected: 'to be installed, since Redis is to be used: npm install ioredis',
      },
      { cause: error },
    );
  }
}
