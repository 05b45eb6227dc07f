import { Cron } from 'croner';
import { getTimes } from 'suncalc';

/** When something happens: a set of instants, in milliseconds since 1970. */
export interface Timing {
  /** The first instant after `after`, or nothing when there is none any more. */
  next(after: number): number | undefined;
  /** The instant that follows one of them. */
  following(instant: number): number | undefined;
}

const DAY_MS = 86_400_000;
/** How far ahead a sun event is looked for: past any polar night. */
const SOLAR_HORIZON_DAYS = 400;
/** Two events of one kind are never nearer than that, however their exact time is computed. */
const SOLAR_APART_MS = DAY_MS / 4;

/** Names of the sun's events, with what suncalc calls them. */
export const SOLAR_EVENTS = {
  sunrise: 'sunrise',
  sunset: 'sunset',
  noon: 'solarNoon',
  midnight: 'nadir',
  dawn: 'dawn',
  dusk: 'dusk',
  nauticalDawn: 'nauticalDawn',
  nauticalDusk: 'nauticalDusk',
  astronomicalDawn: 'nightEnd',
  astronomicalDusk: 'night',
  goldenHour: 'goldenHour',
  goldenHourEnd: 'goldenHourEnd',
} as const;

/** An event of the sun, such as `sunset`. */
export type SolarEvent = keyof typeof SOLAR_EVENTS;

/** A spec as it is kept: checked, with nothing left to default. */
export type StoredSpec =
  | { readonly kind: 'cron'; readonly cron: string; readonly timezone: string }
  | { readonly kind: 'every'; readonly everyMs: number }
  | { readonly kind: 'at'; readonly at: number }
  | {
      readonly kind: 'solar';
      readonly event: SolarEvent;
      readonly latitude: number;
      readonly longitude: number;
      readonly offsetMs: number;
    };

/**
 * The instants of a spec.
 *
 * @param anchor where an interval is counted from.
 * @throws {Error} croner's own, for a cron expression that cannot be read.
 */
export function timingOf(spec: StoredSpec, anchor: number): Timing {
  switch (spec.kind) {
    case 'cron':
      return new CronTiming(spec.cron, spec.timezone);
    case 'every':
      return new IntervalTiming(spec.everyMs, anchor);
    case 'at':
      return new OnceTiming(spec.at);
    case 'solar':
      return new SolarTiming(spec.event, spec.latitude, spec.longitude, spec.offsetMs);
  }
}

/** A cron expression in a time zone. */
class CronTiming implements Timing {
  readonly #cron: Cron;
  /** Many schedules share an expression and a tick; computing the next one costs tens of µs. */
  #memo: { readonly after: number; readonly next: number | undefined } | undefined;

  constructor(expression: string, timezone: string) {
    this.#cron = new Cron(expression, {
      timezone,
      mode: '5-or-6-parts',
      // `0 2,14 * * *` means two fixed times of the day, as in Vixie cron: neither may get lost in the
      // hour that is skipped, or come twice in the one that is repeated.
      fixedTimeRule: 'no-wildcard',
    });
  }

  next(after: number): number | undefined {
    if (this.#memo?.after !== after) {
      this.#memo = { after, next: this.#cron.nextRun(new Date(after))?.getTime() };
    }
    return this.#memo.next;
  }

  following(instant: number): number | undefined {
    return this.next(instant);
  }
}

/** Equal steps from an anchor: neither execution time nor downtime shifts them. */
class IntervalTiming implements Timing {
  readonly #everyMs: number;
  readonly #anchor: number;

  constructor(everyMs: number, anchor: number) {
    this.#everyMs = everyMs;
    this.#anchor = anchor;
  }

  next(after: number): number {
    const steps = Math.floor((after - this.#anchor) / this.#everyMs) + 1;
    return this.#anchor + steps * this.#everyMs;
  }

  following(instant: number): number {
    return this.next(instant);
  }
}

class OnceTiming implements Timing {
  readonly #at: number;

  constructor(at: number) {
    this.#at = at;
  }

  next(after: number): number | undefined {
    return this.#at > after ? this.#at : undefined;
  }

  following(): undefined {
    return undefined;
  }
}

/** An event of the sun at a place; days on which it does not take place are left out. */
class SolarTiming implements Timing {
  readonly #event: SolarEvent;
  readonly #latitude: number;
  readonly #longitude: number;
  readonly #offsetMs: number;

  constructor(event: SolarEvent, latitude: number, longitude: number, offsetMs: number) {
    this.#event = event;
    this.#latitude = latitude;
    this.#longitude = longitude;
    this.#offsetMs = offsetMs;
  }

  next(after: number): number | undefined {
    // A day early: the event may belong to the solar day before, or be moved by its offset.
    const from = after - this.#offsetMs - DAY_MS;
    for (let day = 0; day <= SOLAR_HORIZON_DAYS; day++) {
      const at = this.#on(from + day * DAY_MS);
      if (at !== undefined && at > after) return at;
    }
    return undefined;
  }

  /** Another version of the library may place the same sunrise some seconds later: once is enough. */
  following(instant: number): number | undefined {
    return this.next(instant + SOLAR_APART_MS);
  }

  #on(day: number): number | undefined {
    const times = getTimes(new Date(day), this.#latitude, this.#longitude);
    const at: unknown = times[SOLAR_EVENTS[this.#event]];
    if (!(at instanceof Date) || Number.isNaN(at.getTime())) return undefined;
    return Math.round(at.getTime() / 1_000) * 1_000 + this.#offsetMs;
  }
}
