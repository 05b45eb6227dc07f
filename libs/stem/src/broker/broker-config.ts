import type { Clock } from '../core/clock.js';
import type { TaskLogger } from '../core/task-context.js';
import type { Broker, ResultBackend } from './broker.js';
import type { ScheduleStore } from './schedule-store.js';

/** How Redis is reached. `client` and `options` are ioredis's own. */
export type RedisConnection =
  | { readonly url: string; readonly tls?: TlsOptions | undefined }
  | { readonly options: object }
  | { readonly client: object };

/** What a TLS connection is made with, in the words of Node's `tls.connect`. */
export interface TlsOptions {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly rejectUnauthorized?: boolean;
}

/** A place where something is kept, after its option was read. */
export type StoreTarget<TInstance> =
  /** Given ready-made by the application. */
  | { readonly kind: 'instance'; readonly instance: TInstance }
  /** In this process; those of one name share their content. */
  | { readonly kind: 'memory'; readonly sharedAs: string | undefined }
  | { readonly kind: 'redis'; readonly connection: RedisConnection };

/** How to connect and how long to try, the same for brokers and result backends. */
export interface ConnectionLimits {
  readonly namespace: string;
  readonly commandTimeoutMs: number;
  readonly connectTimeoutMs: number;
  readonly onConnectFailure: 'fail' | 'wait';
  readonly log?: TaskLogger | undefined;
}

/** Everything that makes a broker. */
export interface ResolvedBrokerConfig extends ConnectionLimits {
  readonly target: StoreTarget<Broker>;
  readonly partitions: number;
  /** Largest record that is read back from the broker. */
  readonly recordBytes: number;
  /** For brokers in memory. */
  readonly clock?: Clock | undefined;
}

/** Everything that makes a result backend. */
export interface ResolvedResultBackendConfig extends ConnectionLimits {
  readonly target: StoreTarget<ResultBackend>;
  readonly clock?: Clock | undefined;
}

/** Everything that makes a store of schedules apart from the broker. */
export interface ResolvedScheduleStoreConfig extends ConnectionLimits {
  readonly target: StoreTarget<ScheduleStore>;
  readonly clock?: Clock | undefined;
}
