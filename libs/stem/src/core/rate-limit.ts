import { StemConfigError } from './errors.js';

/** At most so many starts in a period, over all workers: `10/s`, `100/m`, `5000/h`, `1/d`. */
export type RateLimit = `${number}/${'s' | 'm' | 'h' | 'd'}`;

const PERIOD_MS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const FORM = /^(\d+(?:\.\d+)?)\/(s|m|h|d)$/;

/**
 * Reads a rate limit as the time between two starts. Starts are spaced evenly, so that no window of the
 * period's length ever holds more than the limit.
 *
 * @throws {StemConfigError} when it is no rate limit.
 */
export function parseRateLimit(value: unknown, option: string): number {
  const match = typeof value === 'string' ? FORM.exec(value.trim()) : null;
  const count = match ? Number(match[1]) : 0;
  if (!match || count <= 0) {
    throw new StemConfigError({
      option,
      value,
      expected: "a count per second, minute, hour or day, such as '10/s', '100/m' or '1/d'",
    });
  }
  return PERIOD_MS[match[2] as keyof typeof PERIOD_MS] / count;
}
