import type { Broker, ResultBackend } from '../broker/broker.js';
import type { ScheduleStore } from '../broker/schedule-store.js';
import type { TaskDefinition } from '../core/define-task.js';
import type { Duration } from '../core/duration.js';
import type { ByteSize } from '../core/size.js';
import type { TaskLogger } from '../core/task-context.js';

/**
 * What `StemModule.forRoot` accepts. Everything is optional; an option left out comes from its `STEM_*`
 * variable, then from the default.
 */
export interface StemOptions {
  /**
   * Where tasks live. Default `memory://`, variable `STEM_BROKER_URL`.
   *
   * - `memory://`: in this process, gone with it; `memory://name` is shared by all Stems of the process
   *   that use that name.
   * - `redis://[user:password@]host[:port][/db]`, with TLS `rediss://`.
   * - `redis+sentinel://[user:password@]host:port,host:port/master-name[/db]`.
   * - an ioredis instance, whose settings Stem copies to connections of its own, or ioredis options.
   * - any {@link Broker}; it stays yours: Stem connects it, but does not close it.
   */
  readonly broker?: string | RedisClientLike | RedisOptionsLike | Broker;
  /**
   * Where results are kept, if not with the broker's own records: anything that `broker` accepts, or
   * any {@link ResultBackend}. Variable `STEM_RESULT_BACKEND_URL`.
   */
  readonly resultBackend?: string | RedisClientLike | RedisOptionsLike | ResultBackend;
  /**
   * Where schedules are kept, if not beside the tasks: anything that `broker` accepts, or any
   * {@link ScheduleStore}. Default: the broker. Variable `STEM_SCHEDULE_STORE_URL`.
   */
  readonly scheduleStore?: string | RedisClientLike | RedisOptionsLike | ScheduleStore;
  /** Keeps applications apart that share a broker. Default `stem`, variable `STEM_NAMESPACE`. */
  readonly namespace?: string;
  /** Queue of tasks that name none. Default `default`, variable `STEM_DEFAULT_QUEUE`. */
  readonly defaultQueue?: string;
  /** Retries of tasks that name no number. Default 3, variable `STEM_DEFAULT_MAX_RETRIES`. */
  readonly defaultMaxRetries?: number;
  /**
   * A worker holds at most `concurrency × prefetchMultiplier` tasks, those that run included. 1 to
   * 100. Default 2, variable `STEM_PREFETCH_MULTIPLIER`.
   */
  readonly prefetchMultiplier?: number;
  /** How long the record of an ended task is kept. Default `1d`, variable `STEM_RESULT_TTL`. */
  readonly resultTtl?: Duration;
  /** Whether, and how, tasks run in this process. Default true. */
  readonly worker?: boolean | WorkerOptions;
  /** Whether, and how, schedules fire in this process; any number of processes may. Default true. */
  readonly beat?: boolean | BeatOptions;
  /**
   * What this process tells operators: see `stem.workers`, `stem.metrics` and `stem.events`. Default true,
   * variable `STEM_MONITOR`.
   */
  readonly monitor?: boolean | MonitorOptions;
  /**
   * Whether tasks are traced and measured by OpenTelemetry, for which `@opentelemetry/api` must be
   * installed. Default: where an SDK was registered before this Stem was made.
   */
  readonly telemetry?: boolean;
  /** Definitions known to this process though their handlers live elsewhere. */
  readonly tasks?: readonly TaskDefinition<unknown, unknown>[];
  /** Tells several Stems of one application apart; see `@InjectStem(name)`. Default: the only one. */
  readonly name?: string;
  /** Whether tasks may be enqueued by names that nothing here defines. Default false. */
  readonly allowUnknownTasks?: boolean;
  /**
   * Shares of the namespace, each with its own hash tag, over which tasks are spread. Order and rate limits
   * hold within a share. 1 to 1296; it may grow, not shrink. Default 1.
   */
  readonly partitions?: number;
  /** Largest sizes accepted. */
  readonly limits?: SizeLimits;
  /**
   * When the broker cannot be reached at boot: `fail` ends the boot with a `BrokerUnavailableError`
   * after `connectTimeout`, `wait` keeps trying and says so in the log. Default `fail`.
   */
  readonly onConnectFailure?: 'fail' | 'wait';
  /** How long a connection at boot may take. Default `10s`. */
  readonly connectTimeout?: Duration;
  /** How long one call to the broker may take. Default `5s`. */
  readonly commandTimeout?: Duration;
  /** TLS of `rediss://` connections, variables `STEM_TLS_*`. */
  readonly tls?: TlsFiles;
  /** Takes the log lines. Default: Nest's `Logger`, in the contexts `Stem` and `StemWorker`. */
  readonly logger?: TaskLogger;
}

/** How a worker runs. */
export interface WorkerOptions {
  /** Queues it takes tasks from. Default: the `defaultQueue`. Variable `STEM_WORKER_QUEUES` (csv). */
  readonly queues?: readonly string[];
  /** Handlers that run at the same time, 1 to 10,000. Default 10, `STEM_WORKER_CONCURRENCY`. */
  readonly concurrency?: number;
  /** Its name, for people; need not be unique. Default: the host's, `STEM_WORKER_NAME`. */
  readonly name?: string;
  /** Overrides the module's `prefetchMultiplier`. */
  readonly prefetchMultiplier?: number;
  /**
   * After this long without a sign of life its tasks go to other workers. At least 1 s. Default
   * `30s`, variable `STEM_VISIBILITY_TIMEOUT`.
   */
  readonly visibilityTimeout?: Duration;
  /** Time between two heartbeats, and `workerHeartbeat` signals. Default `10s`, `STEM_HEARTBEAT_INTERVAL`. */
  readonly heartbeatInterval?: Duration;
  /** How long a stop waits for running tasks before it gives them back. Default `25s`. */
  readonly drainTimeout?: Duration;
  /**
   * When no claim has been answered for this long, the worker counts as unhealthy and says so in the
   * log. Longer than `pollInterval`. Default `30s`.
   */
  readonly unhealthyAfter?: Duration;
  /** Longest time between two looks for work, should a wake-up be lost. Default `10s`. */
  readonly pollInterval?: Duration;
  /** A task that lost its worker this often is dead-lettered. 1 to 1000. Default 3. */
  readonly maxDeliveries?: number;
  /** Where and how tasks with `isolate: true` run. They need it, and nothing else does. */
  readonly isolation?: IsolationOptions;
}

/**
 * How tasks with `isolate: true` run: in worker threads, in each of which the application is booted
 * once, without a worker or a Beat of its own.
 */
export interface IsolationOptions {
  /**
   * The compiled module that exports the application's root module, as absolute path or file URL. In
   * that module itself: `import.meta.url`, in CommonJS `__filename`.
   */
  readonly module: string | URL;
  /** Name of the export. Default: the one called `AppModule`, the default one, or the only module. */
  readonly export?: string;
  /** Threads, and so isolated tasks that run at once. Default: the cores, at most `concurrency`. */
  readonly threads?: number;
  /** After so many tasks a thread is replaced. Default: never. */
  readonly maxTasksPerThread?: number;
  /**
   * Heap of a thread, from `32mb`. A task that needs more fails, with its thread; a thread that still
   * holds three quarters of it after a task is replaced. Default: what Node allows.
   */
  readonly maxMemoryPerThread?: ByteSize;
}

/** How schedules fire. */
export interface BeatOptions {
  /**
   * Turns the `@Cron` and `@Interval` methods of @nestjs/schedule into tasks that run once per cluster,
   * with retries and history, instead of once per process. The methods stay as they are. Default false.
   */
  readonly adoptNestSchedule?: boolean;
  /**
   * Which application the `@Schedule`s of this process belong to: when it starts, those that it does not
   * declare any more are removed. Applications that share a namespace, but not their code, need
   * different ones. Default: the name of the application's root module.
   */
  readonly owner?: string;
  /** Longest time between two looks at what is due, should a wake-up be lost. Default `5s`. */
  readonly pollInterval?: Duration;
  /** Time between two heartbeats. Default `10s`. */
  readonly heartbeatInterval?: Duration;
}

/** What a process tells operators. */
export interface MonitorOptions {
  /** Whether its worker and Beat send heartbeats. Default true. */
  readonly heartbeats?: boolean;
  /** Whether it counts what its tasks do, and how long they take. Default true. */
  readonly metrics?: boolean;
  /** Whether it writes what happens to tasks, workers and schedules to the stream of events. Default true. */
  readonly events?: boolean;
  /** Longest time for which counts and events stay in the process; a killed one loses them. Default `2s`. */
  readonly flushInterval?: Duration;
  /** How long counts are kept, per minute: as far as `stem.metrics` can look back. `1m` to `1d`. Default `1h`. */
  readonly metricsKept?: Duration;
  /** Events that the stream keeps; the oldest go first. 100 to 1,000,000. Default 10,000. */
  readonly eventsKept?: number;
  /**
   * Most events per second of this process that tell of tasks that are enqueued, started and succeed, and
   * as many again of all others. What is above is left out and counted. 1 to 100,000. Default 500.
   */
  readonly eventsPerSecond?: number;
}

/** Largest sizes accepted, in bytes of UTF-8. */
export interface SizeLimits {
  /** Arguments of one task as JSON. Default 1 MiB. */
  readonly argsBytes?: number;
  /** Result of one task as JSON. Default 1 MiB. */
  readonly resultBytes?: number;
  /** Headers of one task, and likewise its `meta`, as JSON. Default 64 KiB. */
  readonly headersBytes?: number;
}

/** TLS of `rediss://` connections: paths of PEM files, read at boot. */
export interface TlsFiles {
  /** Authorities trusted instead of the system's. Variable `STEM_TLS_CA_CERT`. */
  readonly caCert?: string;
  /** This client's certificate; needs `clientKey`. Variable `STEM_TLS_CLIENT_CERT`. */
  readonly clientCert?: string;
  /** The private key of `clientCert`. Variable `STEM_TLS_CLIENT_KEY`. */
  readonly clientKey?: string;
  /** Accepts any certificate. Default false, variable `STEM_TLS_ALLOW_INSECURE`. */
  readonly allowInsecure?: boolean;
}

/** What is used here of an ioredis instance; named so, since ioredis is an optional peer. */
export interface RedisClientLike {
  readonly status: string;
  /** Makes another connection with the same settings. */
  duplicate(...args: never[]): unknown;
}

/**
 * ioredis options: a value of its type `RedisOptions`, or a literal with any of its fields, which are
 * passed on as they are.
 */
export type RedisOptionsLike = CommonRedisOptions | Readonly<Record<string, unknown>>;

/** The best known of ioredis's options. Without index signature, which its own type lacks, too. */
interface CommonRedisOptions {
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  readonly path?: string | undefined;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  readonly db?: number | undefined;
}
