import { type Duration, MAX_TIMER_MS, parseDuration } from './duration.js';
import { StemConfigError } from './errors.js';
import type { JsonValue } from './json.js';
import { faultInName } from './names.js';
import { parseRateLimit, type RateLimit } from './rate-limit.js';
import { type RetryOptions, type RetryPolicy, resolveRetryPolicy } from './retry-policy.js';

/** What may be said of a task where it is defined, with `@Task` or `defineTask`. */
export interface TaskOptions<TArgs = never> {
  /** Further tries after the first one fails. Default: the module's `defaultMaxRetries`. */
  readonly maxRetries?: number;
  /** Queue it is enqueued to. Default: the module's `defaultQueue`. */
  readonly queue?: string;
  /** 0 to 9, 9 first; first in, first out within one priority. Default 0. */
  readonly priority?: number;
  /** After this time in an attempt `ctx.signal` aborts. Default: none. */
  readonly softTimeLimit?: Duration;
  /** After this time the attempt is ended as failed; late results are dropped. Default: none. */
  readonly hardTimeLimit?: Duration;
  /**
   * How long a worker that stopped answering keeps this task, where that is longer than the worker's own
   * `visibilityTimeout`: for handlers that block the event loop. Default: the worker's.
   */
  readonly visibilityTimeout?: Duration;
  /** At most so many starts per period, over all workers: `10/s`, `100/m`. Default: no limit. */
  readonly rateLimit?: RateLimit;
  /** How, when and for which errors it is tried again. */
  readonly retry?: RetryOptions;
  /** A task still waiting this long after it was enqueued is not run any more. Default: never. */
  readonly expires?: Duration;
  /** Only one task of the same name, queue and key may be waiting or running. Default false. */
  readonly unique?: boolean;
  /** The longest time that a unique claim may last; implies `unique`. Default: until the task ends. */
  readonly uniqueFor?: Duration;
  /** What makes two tasks the same; implies `unique`. Default: their arguments. */
  readonly uniqueKey?: string | ((args: [TArgs] extends [never] ? JsonValue : TArgs) => string);
  /** Keep nothing of a task that succeeded, not even its state. Default false. */
  readonly ignoreResult?: boolean;
  /** How long the record of an ended task is kept. Default: the module's `resultTtl`. */
  readonly resultTtl?: Duration;
  /**
   * Runs it in a worker thread of a pool, so that it can neither block nor crash this process, and can
   * really be ended: by its hard limit, and by a cancel with `terminate`. Needs `worker.isolation`.
   * Default false.
   */
  readonly isolate?: boolean;
  /** For people: what the task does. */
  readonly description?: string;
  /** For people and listings. */
  readonly tags?: readonly string[];
  /** For people and listings: running it twice does no harm. */
  readonly idempotent?: boolean;
  /** Name of the Stem it belongs to, where an application has several. Default: all of them. */
  readonly stem?: string;
}

/** Task options after checking: durations in milliseconds, the retry policy complete. */
export interface ResolvedTaskOptions {
  readonly maxRetries: number | undefined;
  readonly queue: string | undefined;
  readonly priority: number;
  readonly softTimeLimitMs: number | undefined;
  readonly hardTimeLimitMs: number | undefined;
  readonly visibilityTimeoutMs: number | undefined;
  /** Time between two starts. */
  readonly rateIntervalMs: number | undefined;
  readonly retry: RetryPolicy;
  readonly expiresMs: number | undefined;
  readonly unique: boolean;
  readonly uniqueForMs: number | undefined;
  readonly uniqueKey: string | ((args: never) => string) | undefined;
  readonly ignoreResult: boolean;
  readonly resultTtlMs: number | undefined;
  readonly isolate: boolean;
  readonly description: string | undefined;
  readonly tags: readonly string[];
  readonly idempotent: boolean;
  readonly stem: string | undefined;
}

/** Lowest and highest priority. */
export const PRIORITY_RANGE = [0, 9] as const;

const KNOWN_OPTIONS: ReadonlySet<string> = new Set<keyof TaskOptions>([
  'maxRetries',
  'queue',
  'priority',
  'softTimeLimit',
  'hardTimeLimit',
  'visibilityTimeout',
  'rateLimit',
  'retry',
  'expires',
  'unique',
  'uniqueFor',
  'uniqueKey',
  'ignoreResult',
  'resultTtl',
  'isolate',
  'description',
  'tags',
  'idempotent',
  'stem',
]);

/**
 * Checks the options of one task.
 *
 * @param place names the definition in errors, such as `@Task('email.send') on EmailTasks.send`.
 * @throws {StemConfigError} naming the option at fault.
 */
export function resolveTaskOptions(options: TaskOptions, place: string): ResolvedTaskOptions {
  for (const key of Object.keys(options)) {
    if (!KNOWN_OPTIONS.has(key)) {
      throw new StemConfigError({
        option: `${key} of ${place}`,
        value: (options as Record<string, unknown>)[key],
        expected: `one of the task options ${[...KNOWN_OPTIONS].join(', ')}`,
      });
    }
  }
  const duration = (
    key: keyof TaskOptions,
    bounds: { minMs?: number; maxMs?: number } = {},
  ): number | undefined =>
    options[key] === undefined
      ? undefined
      : parseDuration(options[key], `${key} of ${place}`, { minMs: 1, ...bounds });
  const timer = { maxMs: MAX_TIMER_MS };
  const softTimeLimitMs = duration('softTimeLimit', timer);
  const hardTimeLimitMs = duration('hardTimeLimit', timer);
  if (
    softTimeLimitMs !== undefined &&
    hardTimeLimitMs !== undefined &&
    hardTimeLimitMs < softTimeLimitMs
  ) {
    throw new StemConfigError({
      option: `hardTimeLimit of ${place}`,
      value: options.hardTimeLimit,
      expected: `a duration not shorter than softTimeLimit (${options.softTimeLimit})`,
    });
  }
  return {
    maxRetries:
      options.maxRetries === undefined
        ? undefined
        : requireCount(options.maxRetries, `maxRetries of ${place}`),
    queue:
      options.queue === undefined ? undefined : requireName(options.queue, `queue of ${place}`),
    priority: requirePriority(options.priority ?? 0, `priority of ${place}`),
    softTimeLimitMs,
    hardTimeLimitMs,
    visibilityTimeoutMs: duration('visibilityTimeout', { ...timer, minMs: 1_000 }),
    rateIntervalMs:
      options.rateLimit === undefined
        ? undefined
        : parseRateLimit(options.rateLimit, `rateLimit of ${place}`),
    retry: resolveRetryPolicy(options.retry ?? {}, place),
    expiresMs: duration('expires'),
    unique: options.unique ?? (options.uniqueFor !== undefined || options.uniqueKey !== undefined),
    uniqueForMs: duration('uniqueFor'),
    uniqueKey: options.uniqueKey,
    ignoreResult: options.ignoreResult ?? false,
    resultTtlMs: duration('resultTtl', { minMs: 0 }),
    isolate: requireFlag(options.isolate ?? false, `isolate of ${place}`),
    description: options.description,
    tags: options.tags ?? [],
    idempotent: options.idempotent ?? false,
    stem: options.stem,
  };
}

function requireFlag(value: unknown, option: string): boolean {
  if (typeof value !== 'boolean') {
    throw new StemConfigError({ option, value, expected: 'true or false' });
  }
  return value;
}

/** @throws {StemConfigError} unless `value` is a whole number from 0 to 1,000,000. */
export function requireCount(value: unknown, option: string, min = 0, max = 1_000_000): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max) {
    throw new StemConfigError({ option, value, expected: `a whole number from ${min} to ${max}` });
  }
  return value;
}

/** @throws {StemConfigError} unless `value` is a whole number from 0 to 9. */
export function requirePriority(value: unknown, option: string): number {
  return requireCount(value, option, ...PRIORITY_RANGE);
}

/** @throws {StemConfigError} unless `value` is a usable task or queue name. */
export function requireName(value: unknown, option: string): string {
  const fault = faultInName(value);
  if (fault) throw new StemConfigError({ option, value, expected: `a name that is ${fault}` });
  return value as string;
}
