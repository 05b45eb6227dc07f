import { hostname } from 'node:os';
import type { StoreTarget } from '../broker/broker-config.js';
import { isTaskDefinition, type TaskDefinition } from '../core/define-task.js';
import { MAX_TIMER_MS, parseDuration } from '../core/duration.js';
import { StemConfigError } from '../core/errors.js';
import { MAX_PARTITIONS } from '../core/task-id.js';
import type { TaskLogger } from '../core/task-context.js';
import { requireCount, requireName } from '../core/task-options.js';
import { refuseUnknownOptions, requireBoolean, requireObject, requireOneOf } from './checks.js';
import { StemConfig, type Environment } from './environment.js';
import { resolveIsolation } from './isolation.js';
import { LIMITS } from './limits.js';
import { resolveMonitor } from './monitor.js';
import type {
  ResolvedBeatOptions,
  ResolvedLimits,
  ResolvedStemConfig,
  ResolvedWorkerOptions,
} from './resolved-config.js';
import type { BeatOptions, SizeLimits, StemOptions, WorkerOptions } from './stem-options.js';
import { isBroker, isResultBackend, isScheduleStore, readTarget } from './store-target.js';
import { readTls } from './tls.js';

/** Bounds of durations that become timers. */
const TIMER = { minMs: 1, maxMs: MAX_TIMER_MS } as const;

/** Name of the Stem that was given none. */
export const DEFAULT_STEM_NAME = 'default';

const KIB = 1_024;
const MIB = 1_024 * KIB;

/** Every option once: the compiler refuses a list that lacks one. */
const STEM_OPTIONS = Object.keys({
  broker: true,
  resultBackend: true,
  scheduleStore: true,
  namespace: true,
  defaultQueue: true,
  defaultMaxRetries: true,
  prefetchMultiplier: true,
  resultTtl: true,
  worker: true,
  beat: true,
  monitor: true,
  telemetry: true,
  tasks: true,
  name: true,
  allowUnknownTasks: true,
  partitions: true,
  limits: true,
  onConnectFailure: true,
  connectTimeout: true,
  commandTimeout: true,
  tls: true,
  logger: true,
} satisfies Record<keyof StemOptions, true>);

const WORKER_OPTIONS = Object.keys({
  queues: true,
  concurrency: true,
  name: true,
  prefetchMultiplier: true,
  visibilityTimeout: true,
  heartbeatInterval: true,
  drainTimeout: true,
  unhealthyAfter: true,
  pollInterval: true,
  maxDeliveries: true,
  isolation: true,
} satisfies Record<keyof WorkerOptions, true>);

const BEAT_OPTIONS = Object.keys({
  adoptNestSchedule: true,
  owner: true,
  pollInterval: true,
  heartbeatInterval: true,
} satisfies Record<keyof BeatOptions, true>);

const LIMIT_OPTIONS = Object.keys({
  argsBytes: true,
  resultBytes: true,
  headersBytes: true,
} satisfies Record<keyof SizeLimits, true>);

/**
 * Checks options and completes them: what is given here beats `env`, which beats the defaults, each
 * option for itself; the fields of `worker`, `limits` and `tls` are options of their own. An option
 * that is `undefined` is not given.
 *
 * @param env default `process.env`.
 * @throws {StemConfigError} naming the option or variable, its value (never a password), and what is
 *   accepted.
 */
export function resolveStemOptions(
  options: StemOptions = {},
  env: Environment = process.env,
): ResolvedStemConfig {
  requireObject(options, 'The options of StemModule', 'an object');
  refuseUnknownOptions(options, STEM_OPTIONS, '');
  const merged = mergeOptions(StemConfig.fromEnvironment(env), options);
  const tls = readTls(merged.tls);
  const defaultQueue = requireName(merged.defaultQueue ?? 'default', 'defaultQueue');
  const target = <T>(
    option: 'broker' | 'resultBackend' | 'scheduleStore',
    isInstance?: (value: object) => value is object & T,
  ): StoreTarget<T> | undefined =>
    merged[option] === undefined
      ? undefined
      : readTarget<T>(merged[option], {
          // Told apart so that the error names what the user wrote.
          option: options[option] === undefined ? URL_VARIABLES[option] : option,
          tls,
          ...(isInstance ? { isInstance } : {}),
        });
  return {
    name: requireName(merged.name ?? DEFAULT_STEM_NAME, 'name'),
    broker: target('broker', isBroker) ?? { kind: 'memory', sharedAs: undefined },
    resultBackend: target('resultBackend', isResultBackend),
    scheduleStore: apartFrom(merged.broker, merged.scheduleStore)
      ? target('scheduleStore', isScheduleStore)
      : undefined,
    namespace: requireName(merged.namespace ?? 'stem', 'namespace'),
    defaultQueue,
    defaultMaxRetries: requireCount(
      merged.defaultMaxRetries ?? 3,
      'defaultMaxRetries',
      ...LIMITS.maxRetries,
    ),
    resultTtlMs: parseDuration(merged.resultTtl ?? '1d', 'resultTtl'),
    worker: resolveWorker(merged, defaultQueue),
    beat: resolveBeat(merged.beat),
    monitor: resolveMonitor(merged.monitor),
    telemetry:
      merged.telemetry === undefined ? undefined : requireBoolean(merged.telemetry, 'telemetry'),
    tasks: resolveTasks(merged.tasks),
    allowUnknownTasks: requireBoolean(merged.allowUnknownTasks ?? false, 'allowUnknownTasks'),
    partitions: requireCount(merged.partitions ?? 1, 'partitions', 1, MAX_PARTITIONS),
    limits: resolveLimits(merged.limits),
    onConnectFailure: requireOneOf(
      merged.onConnectFailure ?? 'fail',
      ['fail', 'wait'],
      'onConnectFailure',
    ),
    connectTimeoutMs: parseDuration(merged.connectTimeout ?? '10s', 'connectTimeout', TIMER),
    commandTimeoutMs: parseDuration(merged.commandTimeout ?? '5s', 'commandTimeout', TIMER),
    logger: resolveLogger(merged.logger),
  };
}

const URL_VARIABLES = {
  broker: 'STEM_BROKER_URL',
  resultBackend: 'STEM_RESULT_BACKEND_URL',
  scheduleStore: 'STEM_SCHEDULE_STORE_URL',
} as const;

function mergeOptions(base: StemOptions, over: StemOptions): StemOptions {
  const merged = mergeFields(base, over);
  return {
    ...merged,
    ...(isPlainObject(base.worker) && (isPlainObject(over.worker) || over.worker === true)
      ? { worker: over.worker === true ? base.worker : mergeFields(base.worker, over.worker) }
      : {}),
    ...(isPlainObject(base.tls) && isPlainObject(over.tls)
      ? { tls: mergeFields(base.tls, over.tls) }
      : {}),
  };
}

/** `over` on top of `base`; a field that is `undefined` does not cover the one below. */
function mergeFields<T extends object>(base: T, over: T): T {
  const given = Object.entries(over).filter(([, value]) => value !== undefined);
  return { ...base, ...Object.fromEntries(given) };
}

function isPlainObject<T>(value: T): value is T & object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function resolveWorker(
  { worker = true, prefetchMultiplier = 2 }: StemOptions,
  defaultQueue: string,
): ResolvedWorkerOptions | undefined {
  const multiplier = (value: unknown, option: string): number =>
    requireCount(value, option, ...LIMITS.prefetchMultiplier);
  const shared = multiplier(prefetchMultiplier, 'prefetchMultiplier');
  if (worker === false) return undefined;
  if (worker !== true) {
    requireObject(worker, 'worker', `true, false or an object with ${WORKER_OPTIONS.join(', ')}`);
    refuseUnknownOptions(worker, WORKER_OPTIONS, 'worker.');
  }
  const given: WorkerOptions = worker === true ? {} : worker;
  const concurrency = requireCount(
    given.concurrency ?? 10,
    'worker.concurrency',
    ...LIMITS.concurrency,
  );
  return {
    queues: resolveQueues(given.queues ?? [defaultQueue]),
    concurrency,
    name: requireName(given.name ?? hostname(), 'worker.name'),
    prefetchMultiplier:
      given.prefetchMultiplier === undefined
        ? shared
        : multiplier(given.prefetchMultiplier, 'worker.prefetchMultiplier'),
    visibilityTimeoutMs: parseDuration(
      given.visibilityTimeout ?? '30s',
      'worker.visibilityTimeout',
      {
        ...TIMER,
        minMs: LIMITS.visibilityTimeout,
      },
    ),
    heartbeatIntervalMs: parseDuration(
      given.heartbeatInterval ?? '10s',
      'worker.heartbeatInterval',
      {
        ...TIMER,
        minMs: LIMITS.heartbeatInterval,
      },
    ),
    unhealthyAfterMs: resolveUnhealthyAfter(given),
    drainTimeoutMs: parseDuration(given.drainTimeout ?? '25s', 'worker.drainTimeout', {
      ...TIMER,
      minMs: 0,
    }),
    pollIntervalMs: parseDuration(given.pollInterval ?? '10s', 'worker.pollInterval', {
      ...TIMER,
      minMs: LIMITS.pollInterval,
    }),
    maxDeliveries: requireCount(
      given.maxDeliveries ?? 3,
      'worker.maxDeliveries',
      ...LIMITS.maxDeliveries,
    ),
    isolation: resolveIsolation(given.isolation, concurrency),
  };
}

function resolveQueues(queues: unknown): readonly string[] {
  if (!Array.isArray(queues) || queues.length === 0) {
    throw new StemConfigError({
      option: 'worker.queues',
      value: queues,
      expected: 'a list of at least one queue name',
    });
  }
  const names = queues.map((queue, index) => requireName(queue, `worker.queues[${index}]`));
  return [...new Set(names)];
}

function resolveBeat(beat: StemOptions['beat'] = true): ResolvedBeatOptions | undefined {
  if (beat === false) return undefined;
  if (beat !== true) {
    requireObject(beat, 'beat', `true, false or an object with ${BEAT_OPTIONS.join(', ')}`);
    refuseUnknownOptions(beat, BEAT_OPTIONS, 'beat.');
  }
  const given: BeatOptions = beat === true ? {} : beat;
  return {
    adoptNestSchedule: requireBoolean(given.adoptNestSchedule ?? false, 'beat.adoptNestSchedule'),
    owner: given.owner === undefined ? undefined : requireName(given.owner, 'beat.owner'),
    pollIntervalMs: parseDuration(given.pollInterval ?? '5s', 'beat.pollInterval', {
      minMs: LIMITS.pollInterval,
    }),
    heartbeatIntervalMs: parseDuration(given.heartbeatInterval ?? '10s', 'beat.heartbeatInterval', {
      ...TIMER,
      minMs: LIMITS.heartbeatInterval,
    }),
  };
}

/** The same place, written the same way, is the broker's own: tick and task are one step there. */
function apartFrom(broker: unknown, scheduleStore: unknown): boolean {
  return typeof scheduleStore !== 'string' || scheduleStore !== broker;
}

/** An idle worker claims once per poll interval: a shorter time would call it unhealthy. */
function resolveUnhealthyAfter({
  unhealthyAfter = '30s',
  pollInterval = '10s',
}: WorkerOptions): number {
  const option = 'worker.unhealthyAfter';
  const ms = parseDuration(unhealthyAfter, option, { minMs: LIMITS.unhealthyAfter });
  if (ms > parseDuration(pollInterval, 'worker.pollInterval')) return ms;
  throw new StemConfigError({
    option,
    value: unhealthyAfter,
    expected: `a duration longer than worker.pollInterval, which is ${pollInterval}`,
  });
}

function resolveTasks(tasks: unknown = []): readonly TaskDefinition<unknown, unknown>[] {
  if (!Array.isArray(tasks)) {
    throw new StemConfigError({
      option: 'tasks',
      value: tasks,
      expected: 'a list of definitions made by defineTask',
    });
  }
  return tasks.map((task: unknown, index) => {
    if (isTaskDefinition(task)) return task;
    throw new StemConfigError({
      option: `tasks[${index}]`,
      value: task,
      expected: 'a definition made by defineTask',
    });
  });
}

function resolveLimits(limits: SizeLimits = {}): ResolvedLimits {
  requireObject(limits, 'limits', `an object with ${LIMIT_OPTIONS.join(', ')}`);
  refuseUnknownOptions(limits, LIMIT_OPTIONS, 'limits.');
  const bytes = (option: keyof SizeLimits, standard: number): number =>
    requireCount(limits[option] ?? standard, `limits.${option}`, 1, 512 * MIB);
  return {
    argsBytes: bytes('argsBytes', MIB),
    resultBytes: bytes('resultBytes', MIB),
    headersBytes: bytes('headersBytes', 64 * KIB),
  };
}

function resolveLogger(logger: unknown): TaskLogger | undefined {
  if (logger === undefined) return undefined;
  const methods = ['log', 'warn', 'error', 'debug'] as const;
  if (methods.every((name) => typeof (logger as Record<string, unknown>)?.[name] === 'function')) {
    return logger as TaskLogger;
  }
  throw new StemConfigError({
    option: 'logger',
    value: typeof logger,
    expected: `an object with the methods ${methods.join(', ')}, such as a Nest Logger`,
  });
}
