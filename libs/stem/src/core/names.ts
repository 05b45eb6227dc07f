import { distance } from 'fastest-levenshtein';

/** Longest task or queue name, in characters. */
export const MAX_NAME_LENGTH = 200;

/** Longest id that a user may give to a task, in characters. */
export const MAX_ID_LENGTH = 200;

/**
 * Says what is wrong with a task name, queue name or id, or nothing when it is fine.
 *
 * Control characters are refused because names are written to tab-separated records and terminals;
 * braces because Redis Cluster places a key by the text between them.
 */
export function faultInName(name: unknown, maxLength = MAX_NAME_LENGTH): string | undefined {
  if (typeof name !== 'string') return `a text, not ${name === null ? 'null' : typeof name}`;
  if (name.trim() === '') return 'not blank';
  if (name !== name.trim()) return 'without blanks at its ends';
  if (name.length > maxLength) return `at most ${maxLength} characters`;
  // eslint-disable-next-line no-control-regex -- control characters are exactly what is looked for
  if (/[\u0000-\u001f\u007f{}]/.test(name)) return 'free of control characters and braces';
  return undefined;
}

/** The known names nearest to `name` by edit distance, best first; far-fetched ones are left out. */
export function nearestNames(name: string, known: Iterable<string>, limit = 3): string[] {
  const tolerance = Math.max(3, Math.ceil(name.length / 2));
  return [...known]
    .map((candidate) => ({ candidate, edits: distance(name, candidate) }))
    .filter(({ edits }) => edits <= tolerance)
    .sort((a, b) => a.edits - b.edits || a.candidate.localeCompare(b.candidate))
    .slice(0, limit)
    .map(({ candidate }) => candidate);
}
