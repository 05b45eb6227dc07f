import { StemConfigError } from './errors.js';

/** A span of time: a number of milliseconds, or a text such as `500ms`, `10s`, `5m`, `2h`, `1d`. */
export type Duration = number | `${number}${'ms' | 's' | 'm' | 'h' | 'd'}`;

const UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const FORM = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)?$/;

/** The longest duration accepted: ten years, which keeps every sum with a date a safe integer. */
export const MAX_DURATION_MS = 3_650 * UNIT_MS.d;

/** The longest time that a timer of Node can wait; a longer one would fire at once. */
export const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * Reads a duration as whole milliseconds.
 *
 * @param value what the user wrote; a text without unit counts milliseconds.
 * @param name the option or variable it came from, for the error.
 * @param bounds the smallest and largest value accepted; `minMs` is 0 and `maxMs` ten years by default.
 * @throws {StemConfigError} when it is no duration, or is out of bounds.
 */
export function parseDuration(
  value: unknown,
  name: string,
  bounds: { minMs?: number; maxMs?: number } = {},
): number {
  const { minMs = 0, maxMs = MAX_DURATION_MS } = bounds;
  const ms = toMs(value);
  if (ms === undefined || !Number.isFinite(ms) || ms < minMs || ms > maxMs) {
    throw new StemConfigError({
      option: name,
      value,
      expected:
        `a duration of at least ${formatDuration(minMs)} and at most ` +
        `${maxMs === MAX_DURATION_MS ? 'ten years' : `${Math.floor(maxMs / UNIT_MS.d)} days`}: ` +
        `milliseconds as a number, or a text such as '500ms', '10s', '5m', '2h', '1d'`,
    });
  }
  return Math.round(ms);
}

function toMs(value: unknown): number | undefined {
  if (typeof value === 'number') return value;
  if (typeof value !== 'string') return undefined;
  const match = FORM.exec(value.trim());
  if (!match) return undefined;
  return Number(match[1]) * UNIT_MS[(match[2] ?? 'ms') as keyof typeof UNIT_MS];
}

/** Writes milliseconds in the largest unit that divides them: `90000` → `90s`. */
export function formatDuration(ms: number): string {
  for (const unit of ['d', 'h', 'm', 's'] as const) {
    if (ms !== 0 && ms % UNIT_MS[unit] === 0) return `${ms / UNIT_MS[unit]}${unit}`;
  }
  return `${ms}ms`;
}
