import { stringWidth } from '../vendor/table.cjs';

/**
 * Makes control characters visible: names, arguments and errors come from anywhere, and must not move
 * the cursor of whoever looks at them.
 */
export function visible(text: string): string {
  return text.replaceAll(
    // eslint-disable-next-line no-control-regex -- control characters are exactly what is looked for
    /[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g,
    (character) =>
      character === '\n'
        ? '⏎'
        : character === '\t'
          ? ' '
          : `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** Columns that a text takes up on a terminal. */
export const columnsOf = (text: string): number => stringWidth(text);

/** Cuts a text to so many columns, between what people take for characters. */
export function clip(text: string, columns: number): string {
  if (columnsOf(text) <= columns) return text;
  let taken = '';
  let left = columns - 1;
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    left -= columnsOf(segment);
    if (left < 0) break;
    taken += segment;
  }
  return `${taken}…`;
}

/** `3s`, `12m`, `5h`, `2d`: how long ago, or how long until. */
export function roughly(ms: number): string {
  const size = Math.abs(ms);
  if (size < 1_000) return `${Math.round(size)}ms`;
  if (size < 120_000) return `${Math.round(size / 1_000)}s`;
  if (size < 7_200_000) return `${Math.round(size / 60_000)}m`;
  if (size < 172_800_000) return `${Math.round(size / 3_600_000)}h`;
  return `${Math.round(size / 86_400_000)}d`;
}

/** `5m ago`, `in 5m`. */
export function relative(date: Date | undefined, now = Date.now()): string {
  if (!date) return '-';
  const ms = date.getTime() - now;
  return ms > 0 ? `in ${roughly(ms)}` : `${roughly(ms)} ago`;
}

/** `2026-12-24 18:00:00Z`, and how far from now. */
export function moment(date: Date | undefined): string | undefined {
  return date && `${date.toISOString()} (${relative(date)})`;
}

/** {@link visible}, line by line. */
export const visibleLines = (text: string): string => text.split('\n').map(visible).join('\n');

/** As JSON in one line. JSON itself lets some control characters through. */
export const compact = (value: unknown): string => visible(JSON.stringify(value) ?? '');

/** As JSON in lines; what is made visible in it is still JSON. */
export const pretty = (value: unknown): string | undefined =>
  value === undefined ? undefined : visibleLines(JSON.stringify(value, null, 2));

/** `1 task`, `2 tasks`. */
export const plural = (count: number, noun: string): string =>
  `${count} ${noun}${count === 1 ? '' : 's'}`;
