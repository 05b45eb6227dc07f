import { type Duration, formatDuration, parseDuration } from '../core/duration.js';
import { StemConfigError } from '../core/errors.js';
import { nearestNames } from '../core/names.js';
import { ScheduleError } from './schedule-error.js';
import { SOLAR_EVENTS, type SolarEvent, type StoredSpec, timingOf } from './timing.js';

/**
 * When a schedule is due:
 *
 * - a cron expression of five or six fields (the sixth, at the front, are seconds), with `L`, `#`, `W`
 *   and the nicknames `@daily` and the like; also as `{ cron, timezone }`.
 * - `every:5m`, or `{ every: '5m' }`: equal steps, at least one second.
 * - `{ at: Date }`: once.
 * - `{ solar: 'sunset', latitude, longitude, offset }`: degrees, north and east positive; `offset` is a
 *   duration, negative for before the event (`'-30m'`).
 */
export type ScheduleSpec =
  | string
  | { readonly cron: string; readonly timezone?: string }
  | { readonly every: Duration }
  | { readonly at: Date | number | string }
  | {
      readonly solar: SolarEvent;
      readonly latitude: number;
      readonly longitude: number;
      /** Default 0. */
      readonly offset?: Duration | `-${number}${'ms' | 's' | 'm' | 'h' | 'd'}`;
    };

/** Zone of a cron expression that names none: the same in every process, whatever its machine's. */
export const DEFAULT_TIMEZONE = 'UTC';

/** A shorter interval is a loop, not a schedule. */
export const MIN_INTERVAL_MS = 1_000;
const MAX_SOLAR_OFFSET_MS = 12 * 3_600_000;
const MAX_EXPRESSION_LENGTH = 500;

const FORMS =
  "a cron expression ('0 2 * * *'), 'every:5m', { cron, timezone }, { every }, { at: Date } or " +
  '{ solar, latitude, longitude }';

/**
 * Reads a spec.
 *
 * @param timezone of a cron expression that names none itself.
 * @param scheduleId for the error.
 * @throws {ScheduleError} with the reason: no such form, an impossible expression, an unknown zone, an
 *   interval below one second, an invalid date or place.
 */
export function parseSpec(
  spec: unknown,
  { timezone, scheduleId }: { timezone?: string | undefined; scheduleId?: string | undefined } = {},
): StoredSpec {
  const refuse = (reason: string, cause?: unknown): ScheduleError =>
    new ScheduleError(
      `The spec ${shown(spec)}${scheduleId === undefined ? '' : ` of schedule '${scheduleId}'`} ${reason}`,
      { scheduleId, cause },
    );
  if (timezone !== undefined) checkZone(timezone, refuse);

  if (typeof spec === 'string') {
    const text = spec.trim();
    const every = /^every:(.*)$/is.exec(text)?.[1];
    return every === undefined ? cronSpec(text, timezone, refuse) : everySpec(every.trim(), refuse);
  }
  if (typeof spec !== 'object' || spec === null || Array.isArray(spec)) {
    throw refuse(`is none; expected ${FORMS}.`);
  }
  if ('cron' in spec) {
    const { cron, timezone: own, ...rest } = spec as { cron: unknown; timezone?: unknown };
    refuseRest(rest, refuse);
    if (typeof cron !== 'string') throw refuse('has a `cron` that is no text.');
    if (own !== undefined && typeof own !== 'string') {
      throw refuse('has a `timezone` that is no text.');
    }
    return cronSpec(cron.trim(), own ?? timezone, refuse);
  }
  if ('every' in spec) {
    const { every, ...rest } = spec;
    refuseRest(rest, refuse);
    return everySpec(every, refuse);
  }
  if ('at' in spec) {
    const { at, ...rest } = spec;
    refuseRest(rest, refuse);
    return { kind: 'at', at: parseTime(at, refuse) };
  }
  if ('solar' in spec) return solarSpec(spec, refuse);
  throw refuse(`is none; expected ${FORMS}.`);
}

/** For people: `0 2 * * * (Europe/Berlin)`, `every:5m`, `at 2026-…`, `sunset at 52.5, 13.4`. */
export function describeSpec(spec: StoredSpec): string {
  switch (spec.kind) {
    case 'cron':
      return spec.timezone === DEFAULT_TIMEZONE ? spec.cron : `${spec.cron} (${spec.timezone})`;
    case 'every':
      return `every:${formatDuration(spec.everyMs)}`;
    case 'at':
      return `at ${new Date(spec.at).toISOString()}`;
    case 'solar': {
      const { event, latitude, longitude, offsetMs } = spec;
      const sign = offsetMs < 0 ? '-' : '+';
      const offset = offsetMs === 0 ? '' : ` ${sign}${formatDuration(Math.abs(offsetMs))}`;
      return `${event}${offset} at ${latitude}, ${longitude}`;
    }
  }
}

/** A spec in the form in which a user may write it, for listings. */
export function publicSpec(spec: StoredSpec): ScheduleSpec {
  switch (spec.kind) {
    case 'cron':
      return spec.cron;
    case 'every':
      return `every:${formatDuration(spec.everyMs)}`;
    case 'at':
      return { at: new Date(spec.at) };
    case 'solar': {
      const { event, latitude, longitude, offsetMs } = spec;
      return { solar: event, latitude, longitude, ...(offsetMs ? { offset: offsetMs } : {}) };
    }
  }
}

type Refuse = (reason: string, cause?: unknown) => ScheduleError;

function cronSpec(cron: string, timezone: string | undefined, refuse: Refuse): StoredSpec {
  if (cron === '') throw refuse(`is empty; expected ${FORMS}.`);
  if (cron.length > MAX_EXPRESSION_LENGTH) {
    throw refuse(`is longer than ${MAX_EXPRESSION_LENGTH} characters.`);
  }
  const zone = timezone ?? DEFAULT_TIMEZONE;
  checkZone(zone, refuse);
  // croner takes a text of this form for a date.
  if (!cron.startsWith('@') && cron.split(/\s+/).length < 5) {
    throw refuse(`is no cron expression: it has fewer than five fields; expected ${FORMS}.`);
  }
  const spec: StoredSpec = { kind: 'cron', cron, timezone: zone };
  let first: number | undefined;
  try {
    first = timingOf(spec, 0).next(Date.now());
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw refuse(`is no cron expression: ${why.replace(/^Cron\w+: /, '')}`, error);
  }
  if (first === undefined) {
    throw refuse('is never due: no date in the next millennia matches it.');
  }
  return spec;
}

function everySpec(every: unknown, refuse: Refuse): StoredSpec {
  let everyMs: number;
  try {
    everyMs = parseDuration(every, 'the interval');
  } catch (error) {
    if (!(error instanceof StemConfigError)) throw error;
    throw refuse(`has no usable interval: ${error.message}`, error);
  }
  if (everyMs < MIN_INTERVAL_MS) {
    throw refuse(
      `has an interval of ${everyMs} ms; the shortest is ${formatDuration(MIN_INTERVAL_MS)}. For less, ` +
        'let one task do several rounds.',
    );
  }
  return { kind: 'every', everyMs };
}

function solarSpec(spec: Record<string, unknown>, refuse: Refuse): StoredSpec {
  const { solar, latitude, longitude, offset = 0, ...rest } = spec;
  refuseRest(rest, refuse);
  const events = Object.keys(SOLAR_EVENTS);
  if (typeof solar !== 'string' || !Object.hasOwn(SOLAR_EVENTS, solar)) {
    const [nearest] = nearestNames(String(solar), events, 1);
    const hint = nearest === undefined ? '' : ` (did you mean '${nearest}'?)`;
    throw refuse(`names no event of the sun${hint}; known are ${events.join(', ')}.`);
  }
  const place: StoredSpec = {
    kind: 'solar',
    event: solar as SolarEvent,
    latitude: degrees(latitude, 90, 'latitude', refuse),
    longitude: degrees(longitude, 180, 'longitude', refuse),
    offsetMs: solarOffset(offset, refuse),
  };
  if (timingOf(place, 0).next(Date.now()) === undefined) {
    throw refuse('is never due: the event does not take place there within a year.');
  }
  return place;
}

function degrees(value: unknown, limit: number, name: string, refuse: Refuse): number {
  if (typeof value !== 'number' || !(Math.abs(value) <= limit)) {
    throw refuse(`has no ${name} from -${limit} to ${limit} degrees.`);
  }
  return value;
}

function solarOffset(offset: unknown, refuse: Refuse): number {
  const negative =
    typeof offset === 'number' ? offset < 0 : typeof offset === 'string' && /^\s*-/.test(offset);
  const size =
    typeof offset === 'number' ? Math.abs(offset) : String(offset).trim().replace(/^[-+]/, '');
  let ms: number;
  try {
    ms = parseDuration(size, 'the offset');
  } catch (error) {
    if (!(error instanceof StemConfigError)) throw error;
    throw refuse(`has no usable offset: ${error.message}`, error);
  }
  if (ms > MAX_SOLAR_OFFSET_MS) throw refuse('has an offset of more than 12 hours.');
  return negative ? -ms : ms;
}

function checkZone(zone: string, refuse: Refuse): void {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone });
  } catch (error) {
    const hint = nearestNames(zone, Intl.supportedValuesOf('timeZone'), 1)[0];
    throw refuse(
      `is in the time zone '${zone}', which does not exist` +
        `${hint === undefined ? '' : ` (did you mean '${hint}'?)`}; expected an IANA name such as ` +
        "'Europe/Berlin', or 'UTC'.",
      error,
    );
  }
}

/** Latest time that a `Date` can hold. */
const MAX_TIME = 8.64e15;

function parseTime(value: unknown, refuse: Refuse): number {
  const ms =
    value instanceof Date
      ? value.getTime()
      : typeof value === 'number'
        ? value
        : typeof value === 'string'
          ? Date.parse(value)
          : Number.NaN;
  if (!Number.isFinite(ms) || ms < 0 || ms > MAX_TIME) {
    throw refuse('has no valid time; expected a Date, or a text such as 2026-12-24T18:00:00Z.');
  }
  return Math.round(ms);
}

function refuseRest(rest: object, refuse: Refuse): void {
  const [key] = Object.keys(rest);
  if (key !== undefined) throw refuse(`has a field \`${key}\` that does not belong there.`);
}

function shown(spec: unknown): string {
  if (typeof spec === 'string') return `'${spec.slice(0, 120)}'`;
  try {
    return (JSON.stringify(spec) ?? String(spec)).slice(0, 160);
  } catch {
    return `of type ${typeof spec}`;
  }
}
