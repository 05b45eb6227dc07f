import { deepStrictEqual } from 'node:assert';

/** A matcher such as `expect.any(String)` of Jest and Vitest, or one of somebody's own. */
interface AsymmetricMatcher {
  asymmetricMatch(actual: unknown): boolean;
}

/**
 * Whether a value that was read from JSON is what is expected. Dates and others that have `toJSON` are
 * expected as they would be written.
 */
export function matches(actual: unknown, expected: unknown): boolean {
  if (isMatcher(expected)) return expected.asymmetricMatch(actual);
  if (actual instanceof Date && expected instanceof Date) return +actual === +expected;
  if (!isObject(expected)) return Object.is(actual, expected);
  if (hasToJson(expected)) return matches(actual, expected.toJSON());
  if (!isObject(actual) || Array.isArray(actual) !== Array.isArray(expected)) return false;
  return [...keysOf(actual, expected)].every((key) => matches(actual[key], expected[key]));
}

/** How the two differ, line by line. */
export function differenceOf(actual: unknown, expected: unknown): string {
  try {
    deepStrictEqual(actual, agreed(actual, expected));
    return '';
  } catch (error) {
    return (error as Error).message.replace(/^.*\n/, '');
  }
}

/** The expected value, with what matches written as it is: the difference then shows nothing of it. */
function agreed(actual: unknown, expected: unknown): unknown {
  if (matches(actual, expected)) return actual;
  if (isMatcher(expected) || !isObject(expected) || !isObject(actual)) return expected;
  if (Array.isArray(expected)) {
    return expected.map((item, index) => agreed(actual[index], item));
  }
  if (hasToJson(expected)) return expected.toJSON();
  return Object.fromEntries(
    Object.entries(expected).map(([key, value]) => [key, agreed(actual[key], value)]),
  );
}

function* keysOf(...objects: readonly object[]): Generator<string> {
  for (const object of objects) yield* Object.keys(object);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function isMatcher(value: unknown): value is AsymmetricMatcher {
  return isObject(value) && typeof value['asymmetricMatch'] === 'function';
}

function hasToJson(value: object): value is { toJSON(): unknown } {
  return typeof (value as { toJSON?: unknown }).toJSON === 'function';
}
