import type { Broker, ResultBackend } from '../broker/broker.js';
import type { StoreTarget } from '../broker/broker-config.js';
import type { ScheduleStore } from '../broker/schedule-store.js';
import type { TaskDefinition } from '../core/define-task.js';
import type { TaskLogger } from '../core/task-context.js';

/** The options of one Stem, after checking: complete, and durations in milliseconds. */
export interface ResolvedStemConfig {
  /** `default` for a Stem that was given no name. */
  readonly name: string;
  readonly broker: StoreTarget<Broker>;
  /** Absent: results live in the broker's own records. */
  readonly resultBackend: StoreTarget<ResultBackend> | undefined;
  /** Absent: schedules live with the broker. */
  readonly scheduleStore: StoreTarget<ScheduleStore> | undefined;
  readonly namespace: string;
  readonly defaultQueue: string;
  readonly defaultMaxRetries: number;
  readonly resultTtlMs: number;
  /** Absent: no tasks run in this process. */
  readonly worker: ResolvedWorkerOptions | undefined;
  /** Absent: no schedules fire in this process. */
  readonly beat: ResolvedBeatOptions | undefined;
  /** Absent: operators are told nothing. */
  readonly monitor: ResolvedMonitorOptions | undefined;
  /** Absent: where an SDK of OpenTelemetry was registered. */
  readonly telemetry: boolean | undefined;
  readonly tasks: readonly TaskDefinition<unknown, unknown>[];
  readonly allowUnknownTasks: boolean;
  readonly partitions: number;
  readonly limits: ResolvedLimits;
  readonly onConnectFailure: 'fail' | 'wait';
  readonly connectTimeoutMs: number;
  readonly commandTimeoutMs: number;
  readonly logger: TaskLogger | undefined;
}

/** Worker options after checking. */
export interface ResolvedWorkerOptions {
  readonly queues: readonly string[];
  readonly concurrency: number;
  readonly name: string;
  readonly prefetchMultiplier: number;
  readonly visibilityTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
  readonly drainTimeoutMs: number;
  readonly unhealthyAfterMs: number;
  readonly pollIntervalMs: number;
  readonly maxDeliveries: number;
  /** Absent: tasks that ask for isolation cannot be run here. */
  readonly isolation?: ResolvedIsolationOptions | undefined;
}

/** Options of isolated tasks after checking. */
export interface ResolvedIsolationOptions {
  /** A file URL. */
  readonly module: string;
  readonly export: string | undefined;
  readonly threads: number;
  readonly maxTasksPerThread: number | undefined;
  /** In bytes. */
  readonly maxMemoryPerThread: number | undefined;
}

/** Beat options after checking. */
export interface ResolvedBeatOptions {
  readonly adoptNestSchedule: boolean;
  /** Absent: named by the application's root module. */
  readonly owner: string | undefined;
  readonly pollIntervalMs: number;
  readonly heartbeatIntervalMs: number;
}

/** Monitor options after checking. */
export interface ResolvedMonitorOptions {
  readonly heartbeats: boolean;
  readonly metrics: boolean;
  readonly events: boolean;
  readonly flushIntervalMs: number;
  readonly metricsKeptMs: number;
  readonly eventsKept: number;
  readonly eventsPerSecond: number;
}

/** Size limits in bytes. */
export interface ResolvedLimits {
  readonly argsBytes: number;
  readonly resultBytes: number;
  readonly headersBytes: number;
}
