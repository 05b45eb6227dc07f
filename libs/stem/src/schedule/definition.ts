import { type Duration, formatDuration, parseDuration } from '../core/duration.js';
import { isTaskDefinition, type TaskDefinition } from '../core/define-task.js';
import { StemConfigError } from '../core/errors.js';
import type { JsonObject, JsonValue } from '../core/json.js';
import { faultInName, nearestNames } from '../core/names.js';
import { ScheduleError } from './schedule-error.js';
import { parseSpec, type ScheduleSpec } from './spec.js';
import type { StoredSpec } from './timing.js';

/** What to do with ticks that came too late, because no Beat ran or the store was away. */
export type MisfirePolicy = 'skip' | 'once' | 'all';

/** What may be said of a schedule beside its spec. */
export interface ScheduleOptions {
  /**
   * Names the schedule; at most 150 characters. Default, for `@Schedule` only: the task's name. It is
   * part of the ids of its tasks.
   */
  readonly id?: string;
  /** What the task is called with. Default `{}`. */
  readonly args?: unknown;
  /** IANA name of the zone of a cron expression. Default `UTC`, on every machine. */
  readonly timezone?: string;
  /**
   * Each tick is put off by a share of this, different for each tick but the same for whoever fires it;
   * never past the next tick. The times of the schedule itself stay. Default 0.
   */
  readonly jitter?: Duration;
  /** Queue of its tasks. Default: the task's own. */
  readonly queue?: string;
  /** Priority of its tasks, 0 to 9. Default: the task's own. */
  readonly priority?: number;
  /** Retries of its tasks. Default: the task's own. */
  readonly maxRetries?: number;
  /** A task that still waits this long after its tick is not run any more. Default: the task's own. */
  readonly expires?: Duration;
  readonly headers?: Readonly<Record<string, string>>;
  readonly meta?: JsonObject;
  /**
   * What happens to ticks that are later than `grace`. `skip` gives them up; `once` lets one run stand
   * for all that came due; `all` makes up for each of them, one after the other. Default `once`.
   */
  readonly misfire?: MisfirePolicy;
  /** How late a tick may be and still count as on time. Default `10s`. */
  readonly grace?: Duration;
  /** `skip` leaves a tick out while the run before is not over, retries included. Default `allow`. */
  readonly overlap?: 'allow' | 'skip';
  /** Default true. */
  readonly enabled?: boolean;
  /** No tick before this time; intervals count from it. Default: at once. */
  readonly startAt?: Date | number | string;
  /** No tick after this time. Default: for ever. */
  readonly endAt?: Date | number | string;
  /** For people. */
  readonly description?: string;
}

/** A schedule as it is given to `stem.schedules.upsert`. */
export interface ScheduleDefinition extends ScheduleOptions {
  readonly id: string;
  /** Name or definition of the task that each tick enqueues. */
  readonly task: string | TaskDefinition<unknown, unknown>;
  readonly spec: ScheduleSpec;
}

/** What a store keeps of a schedule's definition: checked, defaults filled in, JSON. */
export interface StoredDefinition {
  readonly task: string;
  readonly spec: StoredSpec;
  /** Where intervals count from. */
  readonly anchor: number;
  readonly args?: JsonValue | undefined;
  readonly jitterMs: number;
  readonly queue?: string | undefined;
  readonly priority?: number | undefined;
  readonly maxRetries?: number | undefined;
  readonly expiresMs?: number | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly meta?: JsonObject | undefined;
  readonly misfire: MisfirePolicy;
  readonly graceMs: number;
  readonly overlap: 'allow' | 'skip';
  readonly enabled: boolean;
  readonly startAt?: number | undefined;
  readonly endAt?: number | undefined;
  readonly description?: string | undefined;
  /** Who made it: a decorator in the code of an application, or somebody who called the client. */
  readonly origin: 'code' | 'operator';
  /** For `code`: which application. */
  readonly owner?: string | undefined;
}

/** Longest id of a schedule; the ids of its tasks are longer. */
export const MAX_SCHEDULE_ID_LENGTH = 150;
const DEFAULT_GRACE_MS = 10_000;
const MISFIRE_POLICIES = ['skip', 'once', 'all'] as const;

/** Every option once: the compiler refuses a list that lacks one. */
const OPTIONS = Object.keys({
  id: true,
  args: true,
  timezone: true,
  jitter: true,
  queue: true,
  priority: true,
  maxRetries: true,
  expires: true,
  headers: true,
  meta: true,
  misfire: true,
  grace: true,
  overlap: true,
  enabled: true,
  startAt: true,
  endAt: true,
  description: true,
} satisfies Record<keyof ScheduleOptions, true>);

/**
 * Checks a definition. The task, its arguments and its enqueue options are for a `TaskPreparer` to check.
 *
 * @throws {ScheduleError} with the reason.
 */
export function resolveDefinition(
  definition: ScheduleDefinition,
  made: { readonly now: number; readonly origin: 'code' | 'operator'; readonly owner?: string },
): StoredDefinition {
  const id = requireScheduleId((definition as { id?: unknown }).id);
  const refuse = (option: string, reason: string): ScheduleError =>
    new ScheduleError(`The option ${option} of schedule '${id}' ${reason}`, { scheduleId: id });
  for (const key of Object.keys(definition)) {
    if (key === 'task' || key === 'spec' || OPTIONS.includes(key)) continue;
    const [nearest] = nearestNames(key, OPTIONS, 1);
    const hint = nearest === undefined ? '' : ` (did you mean '${nearest}'?)`;
    throw refuse(key, `does not exist${hint}; known are ${OPTIONS.join(', ')}.`);
  }
  const { task, misfire = 'once', overlap = 'allow', enabled = true } = definition;
  const name = isTaskDefinition(task) ? task.name : task;
  if (typeof name !== 'string') throw refuse('task', 'is neither a name nor a definition.');
  if (!MISFIRE_POLICIES.includes(misfire)) throw refuse('misfire', 'is none of skip, once, all.');
  if (overlap !== 'allow' && overlap !== 'skip')
    throw refuse('overlap', 'is neither allow nor skip.');
  if (typeof enabled !== 'boolean') throw refuse('enabled', 'is neither true nor false.');

  const spec = parseSpec(definition.spec, { timezone: definition.timezone, scheduleId: id });
  const duration = (option: 'jitter' | 'grace' | 'expires'): number | undefined => {
    if (definition[option] === undefined) return undefined;
    try {
      return parseDuration(definition[option], option);
    } catch (error) {
      if (!(error instanceof StemConfigError)) throw error;
      throw refuse(option, `cannot be used: ${error.message}`);
    }
  };
  const time = (option: 'startAt' | 'endAt'): number | undefined => {
    const value = definition[option];
    if (value === undefined) return undefined;
    const ms = value instanceof Date ? value.getTime() : new Date(value).getTime();
    if (Number.isNaN(ms)) throw refuse(option, 'is no valid time.');
    return ms;
  };
  const startAt = time('startAt');
  const endAt = time('endAt');
  if (startAt !== undefined && endAt !== undefined && endAt < startAt) {
    throw refuse('endAt', 'is before startAt.');
  }
  const jitterMs = duration('jitter') ?? 0;
  if (spec.kind === 'every' && jitterMs > spec.everyMs) {
    throw refuse('jitter', `is longer than the interval of ${formatDuration(spec.everyMs)}.`);
  }
  return {
    task: name,
    spec,
    anchor: startAt ?? made.now,
    args: definition.args as JsonValue | undefined,
    jitterMs,
    queue: definition.queue,
    priority: definition.priority,
    maxRetries: definition.maxRetries,
    expiresMs: duration('expires'),
    headers: definition.headers,
    meta: definition.meta,
    misfire,
    graceMs: duration('grace') ?? DEFAULT_GRACE_MS,
    overlap,
    enabled,
    startAt,
    endAt,
    description: definition.description,
    origin: made.origin,
    owner: made.owner,
  };
}

/** @throws {ScheduleError} unless `id` can name a schedule. */
export function requireScheduleId(id: unknown): string {
  const fault = faultInName(id, MAX_SCHEDULE_ID_LENGTH);
  if (fault === undefined) return id as string;
  throw new ScheduleError(
    `The id of a schedule is ${typeof id === 'string' ? `'${id.slice(0, 160)}'` : typeof id}; ` +
      `expected a text that is ${fault}.`,
  );
}

/** Whether two definitions are due at the same times; the anchor is theirs to share. */
export function sameTiming(one: StoredDefinition, other: StoredDefinition): boolean {
  const timing = ({ spec, jitterMs, startAt, endAt }: StoredDefinition): string =>
    JSON.stringify([spec, jitterMs, startAt ?? null, endAt ?? null]);
  return timing(one) === timing(other);
}

/**
 * Reads what {@link resolveDefinition} made, from a store that others may write to.
 *
 * @throws {Error} when it has not that form.
 */
export function readDefinition(text: string): StoredDefinition {
  const definition = JSON.parse(text) as Partial<StoredDefinition> | null;
  if (
    typeof definition !== 'object' ||
    definition === null ||
    typeof definition.task !== 'string' ||
    typeof definition.spec?.kind !== 'string' ||
    typeof definition.anchor !== 'number' ||
    typeof definition.jitterMs !== 'number' ||
    typeof definition.graceMs !== 'number'
  ) {
    throw new Error('its definition cannot be read');
  }
  return definition as StoredDefinition;
}
