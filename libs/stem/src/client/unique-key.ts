import { createHash } from 'node:crypto';

/**
 * The claim of a unique task: equal for tasks of the same name, queue and key, and for nothing else.
 *
 * @param key given by the user; otherwise the arguments make the key, in whatever order their
 *   properties were written.
 */
export function uniqueClaim(task: {
  readonly name: string;
  readonly queue: string;
  readonly argsJson: string;
  readonly key: string | undefined;
}): string {
  const { name, queue, argsJson, key } = task;
  const same = key === undefined ? ['args', canonical(JSON.parse(argsJson))] : ['key', key];
  return createHash('sha256')
    .update(JSON.stringify([name, queue, ...same]))
    .digest('base64url');
}

/** The value with the properties of all its objects in one order, as pairs. */
function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value !== 'object' || value === null) return value;
  const pairs = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  // Nested in an object of one property, which no array of pairs can be mistaken for.
  return { o: pairs.map(([key, member]) => [key, canonical(member)]) };
}
