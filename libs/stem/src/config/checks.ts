import { StemConfigError } from '../core/errors.js';
import { nearestNames } from '../core/names.js';

/**
 * Refuses option names that do not exist, with the nearest that do.
 *
 * @param prefix what comes before the name in the error, such as `worker.`.
 * @throws {StemConfigError} naming the first unknown option.
 */
export function refuseUnknownOptions(
  options: object,
  known: readonly string[],
  prefix: string,
): void {
  for (const key of Object.keys(options)) {
    if (known.includes(key)) continue;
    const [nearest] = nearestNames(key, known, 1);
    const hint = nearest === undefined ? '' : ` (did you mean '${prefix}${nearest}'?)`;
    const value = (options as Record<string, unknown>)[key];
    throw new StemConfigError({
      option: `${prefix}${key}`,
      value,
      // Nobody knows what an unknown option holds; it may be a password.
      secret: typeof value !== 'number' && typeof value !== 'boolean',
      expected: `no option of this name${hint}, only ${known.join(', ')}`,
    });
  }
}

/** @throws {StemConfigError} unless `value` is an object that is no array. */
export function requireObject(value: unknown, option: string, expected: string): object {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new StemConfigError({ option, value, expected });
  }
  return value;
}

/** @throws {StemConfigError} unless `value` is true or false. */
export function requireBoolean(value: unknown, option: string): boolean {
  if (typeof value !== 'boolean') {
    throw new StemConfigError({ option, value, expected: 'true or false' });
  }
  return value;
}

/** @throws {StemConfigError} unless `value` is one of `accepted`. */
export function requireOneOf<T extends string>(
  value: unknown,
  accepted: readonly T[],
  option: string,
): T {
  if (!accepted.includes(value as T)) {
    const expected = accepted.map((word) => `'${word}'`).join(' or ');
    throw new StemConfigError({ option, value, expected });
  }
  return value as T;
}
