import 'reflect-metadata';
import type { ScheduleDefinition } from '../schedule/definition.js';
import { ScheduleError } from '../schedule/schedule-error.js';
import { parseSpec } from '../schedule/spec.js';

/**
 * What the decorators of @nestjs/schedule leave on a method; the same since its first version. Read from
 * the metadata, so that the package need not be installed.
 */
const KEYS = {
  type: 'SCHEDULER_TYPE',
  name: 'SCHEDULER_NAME',
  cron: 'SCHEDULE_CRON_OPTIONS',
  interval: 'SCHEDULE_INTERVAL_OPTIONS',
} as const;
/** Values of `SCHEDULER_TYPE`. */
const TYPES = { cron: 1, interval: 3 } as const;

interface CronMetadata {
  readonly cronTime?: unknown;
  readonly timeZone?: string;
  /** Minutes. */
  readonly utcOffset?: number | string;
  readonly disabled?: boolean;
  readonly waitForCompletion?: boolean;
}

/** A method that @nestjs/schedule would call in each process. */
export interface AdoptedMethod {
  readonly task: string;
  readonly schedule: ScheduleDefinition;
}

/** Why a method stays with @nestjs/schedule. */
export interface LeftMethod {
  readonly leftBecause: string;
}

/**
 * Takes methods over from @nestjs/schedule: hides their decorators while it looks for them, as the
 * application boots, and shows them again afterwards, since classes are shared by all applications of a
 * process.
 */
export class NestScheduleAdoption {
  readonly #types = new Map<object, unknown>();

  /** Takes a method over, if it has a `@Cron` or `@Interval` that can be. Returns why it cannot. */
  hide(method: object, name: string): LeftMethod | undefined {
    const type: unknown = Reflect.getMetadata(KEYS.type, method);
    if (type !== TYPES.cron && type !== TYPES.interval) return undefined;
    const read = readNestSchedule(method, type, name);
    if ('leftBecause' in read) return read;
    this.#types.set(method, type);
    Reflect.deleteMetadata(KEYS.type, method);
    return undefined;
  }

  /**
   * What a method that was taken over is to be.
   *
   * @param name `Class.method`: the task's name, and the schedule's id where the decorator gives none.
   */
  read(method: object, name: string): AdoptedMethod | undefined {
    if (!this.#types.has(method)) return undefined;
    const read = readNestSchedule(method, this.#types.get(method), name);
    return 'leftBecause' in read ? undefined : read;
  }

  /** Shows what was hidden. */
  release(): void {
    for (const [method, type] of this.#types) Reflect.defineMetadata(KEYS.type, type, method);
  }
}

function readNestSchedule(method: object, type: unknown, name: string): AdoptedMethod | LeftMethod {
  const given: unknown = Reflect.getMetadata(KEYS.name, method);
  const id = typeof given === 'string' && given !== '' ? given : name;
  try {
    const timing =
      type === TYPES.cron
        ? cronOf((Reflect.getMetadata(KEYS.cron, method) ?? {}) as CronMetadata)
        : intervalOf((Reflect.getMetadata(KEYS.interval, method) ?? {}) as { timeout?: unknown });
    parseSpec(timing.spec, { timezone: timing.timezone });
    return { task: name, schedule: { id, task: name, ...timing } };
  } catch (error) {
    if (!(error instanceof ScheduleError)) throw error;
    return { leftBecause: error.message };
  }
}

type Timing = Pick<ScheduleDefinition, 'spec' | 'timezone' | 'overlap' | 'enabled'>;

function cronOf({
  cronTime,
  timeZone,
  utcOffset,
  disabled,
  waitForCompletion,
}: CronMetadata): Timing {
  const rest: Pick<Timing, 'overlap' | 'enabled'> = {
    ...(disabled ? { enabled: false } : {}),
    ...(waitForCompletion ? { overlap: 'skip' } : {}),
  };
  if (typeof cronTime !== 'string') {
    const date = typeof cronTime === 'object' ? dateOf(cronTime) : undefined;
    if (!date) throw new ScheduleError('its time is neither a cron expression nor a date');
    return { spec: { at: date }, ...rest };
  }
  return { spec: cronTime, timezone: zoneOf(timeZone, utcOffset), ...rest };
}

/** Without a zone, @nestjs/schedule goes by the machine's. */
function zoneOf(timeZone: string | undefined, utcOffset: number | string | undefined): string {
  if (timeZone !== undefined) return timeZone;
  if (utcOffset === undefined) return new Intl.DateTimeFormat().resolvedOptions().timeZone;
  const hours = Number(utcOffset) / 60;
  if (!Number.isInteger(hours)) {
    throw new ScheduleError(`its utcOffset of ${utcOffset} minutes is no whole number of hours`);
  }
  // The sign of these zones is the other way round.
  return hours === 0 ? 'UTC' : `Etc/GMT${hours > 0 ? '-' : '+'}${Math.abs(hours)}`;
}

function dateOf(value: object | null): Date | undefined {
  if (value instanceof Date) return value;
  const luxon = value as { toJSDate?: () => Date } | null;
  return typeof luxon?.toJSDate === 'function' ? luxon.toJSDate() : undefined;
}

function intervalOf({ timeout }: { timeout?: unknown }): Timing {
  return { spec: { every: timeout as number } };
}
