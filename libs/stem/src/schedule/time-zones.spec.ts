import { resolveDefinition } from './definition.js';
import { Occurrences } from './occurrences.js';

/**
 * The source of truth is the zone data of the JavaScript engine, asked for every single minute of a year:
 * no arithmetic of ours, and none of the cron library.
 */
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const YEAR = 2026;
const ZONES = ['America/New_York', 'Europe/Berlin', 'Australia/Lord_Howe'] as const;

/** One minute, and what the clock on the wall shows. */
interface WallMinute {
  readonly at: number;
  /** `2026-03-08` */
  readonly date: string;
  /** Minutes since midnight as the wall shows it. */
  readonly wall: number;
}

const walls = new Map<string, readonly WallMinute[]>();

/** Every minute of the local year, from a day before it to a day after it in UTC. */
function minutesOf(zone: string): readonly WallMinute[] {
  const known = walls.get(zone);
  if (known) return known;
  const format = new Intl.DateTimeFormat('sv-SE', {
    timeZone: zone,
    dateStyle: 'short',
    timeStyle: 'short',
  });
  const minutes: WallMinute[] = [];
  const end = Date.UTC(YEAR + 1, 0, 2);
  for (let at = Date.UTC(YEAR - 1, 11, 31); at < end; at += MINUTE) {
    const text = format.format(at); // 2026-03-08 01:59
    const date = text.slice(0, 10);
    if (!date.startsWith(String(YEAR))) continue;
    minutes.push({ at, date, wall: Number(text.slice(11, 13)) * 60 + Number(text.slice(14, 16)) });
  }
  walls.set(zone, minutes);
  return minutes;
}

/** A fixed time of the day: once a date, at its first occurrence, or right after the gap it falls into. */
function onceADay(zone: string, wall: number): number[] {
  const ticks = new Map<string, number>();
  for (const minute of minutesOf(zone)) {
    if (minute.wall === wall && !ticks.has(minute.date)) ticks.set(minute.date, minute.at);
  }
  for (const minute of minutesOf(zone)) {
    // Only dates that do not have this time: their first minute beyond it.
    if (minute.wall > wall && !ticks.has(minute.date)) ticks.set(minute.date, minute.at);
  }
  return [...ticks.values()].sort((a, b) => a - b);
}

/** Whenever the wall shows a minute that fits; twice in an hour that is repeated. */
function wheneverTheWall(zone: string, fits: (wall: number) => boolean): number[] {
  return minutesOf(zone)
    .filter(({ wall }) => fits(wall))
    .map(({ at }) => at);
}

function ticksOf(zone: string, spec: string): number[] {
  const minutes = minutesOf(zone);
  const first = minutes[0]?.at ?? 0;
  const last = minutes.at(-1)?.at ?? 0;
  const definition = resolveDefinition(
    { id: 'it', task: 't', spec, timezone: zone },
    { now: first - HOUR, origin: 'code' },
  );
  const occurrences = new Occurrences('it', definition);
  const ticks: number[] = [];
  for (let next = occurrences.after(first - 1); next && next.dueAt <= last;) {
    ticks.push(next.dueAt);
    next = occurrences.after(next.dueAt);
  }
  return ticks;
}

const iso = (ticks: readonly number[]): string[] => ticks.map((at) => new Date(at).toISOString());

describe.each(ZONES)('a whole year in %s', (zone) => {
  it('has the clock changes that the table in docs/beat.md tells of', () => {
    const changes = minutesOf(zone).flatMap((minute, index, all) => {
      const before = all[index - 1];
      const shown = before && before.date === minute.date ? minute.wall - before.wall : 1;
      return shown === 1 ? [] : [`${minute.date} ${shown - 1}`];
    });
    expect(changes).toEqual(
      {
        'America/New_York': ['2026-03-08 60', '2026-11-01 -60'],
        'Europe/Berlin': ['2026-03-29 60', '2026-10-25 -60'],
        'Australia/Lord_Howe': ['2026-04-05 -30', '2026-10-04 30'],
      }[zone],
    );
  });

  it('carries 30 2 * * * out once a day', () => {
    expect(iso(ticksOf(zone, '30 2 * * *'))).toEqual(iso(onceADay(zone, 150)));
    expect(ticksOf(zone, '30 2 * * *')).toHaveLength(365);
  });

  it('carries 0 0 * * * out once a day', () => {
    expect(iso(ticksOf(zone, '0 0 * * *'))).toEqual(iso(onceADay(zone, 0)));
  });

  it('carries 30 1,2,3 * * *, a list of times, out once each a day', () => {
    const expected = [90, 150, 210].flatMap((wall) => onceADay(zone, wall));
    const distinct = [...new Set(expected)].sort((a, b) => a - b);
    expect(iso(ticksOf(zone, '30 1,2,3 * * *'))).toEqual(iso(distinct));
  });

  it('carries */30 * * * * out whenever the wall shows a half hour, twice in a repeated one', () => {
    expect(iso(ticksOf(zone, '*/30 * * * *'))).toEqual(
      iso(wheneverTheWall(zone, (wall) => wall % 30 === 0)),
    );
  });

  it('carries every:1h out every 3600 seconds, whatever the wall shows', () => {
    const ticks = ticksOf(zone, 'every:1h');
    const first = minutesOf(zone)[0]?.at ?? 0;
    expect(ticks).toEqual(ticks.map((_, n) => first + n * HOUR));
    expect(ticks).toHaveLength(8_760);
  });
});

describe('days of the month and of the week', () => {
  /** Midnights of some years that fit, in UTC. */
  const midnights = (years: number, fits: (date: Date, lastDay: number) => boolean): string[] => {
    const dates: string[] = [];
    const end = Date.UTC(YEAR + years, 0, 1);
    for (let at = Date.UTC(YEAR, 0, 1); at < end; at += 24 * HOUR) {
      const date = new Date(at);
      const lastDay = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0));
      if (fits(date, lastDay.getUTCDate())) dates.push(date.toISOString().slice(0, 10));
    }
    return dates;
  };
  const days = (spec: string, years: number): string[] => {
    const start = Date.UTC(YEAR, 0, 1);
    const definition = resolveDefinition(
      { id: 'it', task: 't', spec, endAt: Date.UTC(YEAR + years, 0, 1) - 1 },
      { now: start, origin: 'code' },
    );
    const occurrences = new Occurrences('it', definition);
    const found: string[] = [];
    for (let next = occurrences.after(start - 1); next;) {
      found.push(new Date(next.dueAt).toISOString().slice(0, 10));
      next = occurrences.after(next.dueAt);
    }
    return found;
  };

  it.each<[string, string, number, (date: Date, lastDay: number) => boolean]>([
    [
      '0 0 13 * FRI',
      'either of the two, as in Vixie cron',
      4,
      (d) => d.getUTCDate() === 13 || d.getUTCDay() === 5,
    ],
    ['0 0 13 * +FRI', 'both', 4, (d) => d.getUTCDate() === 13 && d.getUTCDay() === 5],
    ['0 0 * * 7', 'Sundays, by the number 7', 2, (d) => d.getUTCDay() === 0],
    ['0 0 1-7 * MON', 'a range or a weekday', 2, (d) => d.getUTCDate() <= 7 || d.getUTCDay() === 1],
    ['0 0 L * *', 'the last day of each month', 4, (d, last) => d.getUTCDate() === last],
    ['0 0 31 * *', 'only months that have a 31st', 4, (d) => d.getUTCDate() === 31],
    [
      '0 0 * * FRI#2',
      'the second Friday',
      4,
      (d) => d.getUTCDay() === 5 && Math.ceil(d.getUTCDate() / 7) === 2,
    ],
    [
      '0 0 * * FRI#5',
      'the fifth Friday, where there is one',
      4,
      (d) => d.getUTCDay() === 5 && Math.ceil(d.getUTCDate() / 7) === 5,
    ],
    [
      '0 0 * * FRIL',
      'the last Friday',
      4,
      (d, last) => d.getUTCDay() === 5 && d.getUTCDate() > last - 7,
    ],
    ['0 0 29 2 *', 'leap days', 20, (d) => d.getUTCMonth() === 1 && d.getUTCDate() === 29],
    [
      '0 0 L 2 *',
      'the end of February',
      8,
      (d, last) => d.getUTCMonth() === 1 && d.getUTCDate() === last,
    ],
  ])('%s means %s', (spec, _, years, fits) => {
    expect(days(spec, years)).toEqual(midnights(years, fits));
  });
});
