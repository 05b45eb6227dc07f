import { Table } from '../vendor/table.cjs';
import type { Paint } from './paint.js';
import { clip, columnsOf, visible } from './text.js';

/** A column of a table. */
export interface Column<T> {
  readonly head: string;
  readonly value: (row: T) => string | number | undefined;
  readonly align?: 'right';
  /**
   * What becomes of it on a narrow page: it stays as it is (the default, for what people copy), is cut, or
   * is left out, the last one first.
   */
  readonly fit?: 'cut' | 'drop';
  /** Colours a cell that has been cut already. */
  readonly paint?: (text: string, row: T) => string;
}

const GAP = 2;
const NARROWEST = 8;

/** Rows under heads; on a page too narrow even for what must not be cut, one block for each row. */
export function createTable<T>(
  rows: readonly T[],
  columns: readonly Column<T>[],
  { width, paint }: { readonly width: number; readonly paint: Paint },
): string {
  const cells = rows.map((row) => columns.map(({ value }) => visible(String(value(row) ?? '-'))));
  const natural = columns.map(({ head }, index) =>
    Math.max(columnsOf(head), ...cells.map((line) => columnsOf(line[index] as string))),
  );
  const widths = fit(columns, natural, width);
  if (!widths) return blocks(columns, cells, width, paint);

  const shown = columns.flatMap((_, index) => (widths[index] === undefined ? [] : [index]));
  const table = new Table({
    head: [],
    chars: NO_LINES,
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [], compact: true },
    colWidths: shown.map((index) => widths[index] as number),
    colAligns: shown.map((index) => columns[index]?.align ?? 'left'),
  });
  table.push(
    shown.map((index) => paint('bold', clip(columns[index]?.head ?? '', widths[index] as number))),
  );
  cells.forEach((line, at) => {
    table.push(
      shown.map((index) => {
        const text = clip(line[index] as string, widths[index] as number);
        return columns[index]?.paint?.(text, rows[at] as T) ?? text;
      }),
    );
  });
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

/** Widths of the columns; undefined for one that is left out; nothing when they cannot be made to fit. */
function fit(
  columns: readonly Column<never>[],
  natural: readonly number[],
  width: number,
): (number | undefined)[] | undefined {
  const widths: (number | undefined)[] = [...natural];
  const excess = (): number => {
    const used = widths.filter((each) => each !== undefined);
    return used.reduce((sum, each) => sum + each, 0) + GAP * (used.length - 1) - width;
  };
  const cut = (narrowest: number): void => {
    while (excess() > 0) {
      const index = columns.reduce((best, { fit: way }, at) => {
        const mayShrink = way !== undefined && (widths[at] ?? 0) > narrowest;
        return mayShrink && (widths[at] ?? 0) > (widths[best] ?? 0) ? at : best;
      }, -1);
      if (index < 0) return;
      widths[index] = Math.max(
        narrowest,
        (widths[index] as number) - Math.max(1, Math.floor(excess() / 2)),
      );
    }
  };
  cut(2 * NARROWEST);
  for (let at = columns.length - 1; at >= 0 && excess() > 0; at--) {
    if (columns[at]?.fit === 'drop') widths[at] = undefined;
  }
  cut(NARROWEST);
  return excess() > 0 ? undefined : widths;
}

function blocks(
  columns: readonly Column<never>[],
  cells: readonly (readonly string[])[],
  width: number,
  paint: Paint,
): string {
  const widest = Math.max(...columns.map(({ head }) => columnsOf(head)));
  return cells
    .map((line) =>
      columns
        .map(({ head }, index) => {
          const room = Math.max(NARROWEST, width - widest - GAP);
          const value = line[index] as string;
          const text = columns[index]?.fit === undefined ? value : clip(value, room);
          return `${paint('bold', head.padEnd(widest + GAP))}${text}`;
        })
        .join('\n'),
    )
    .join('\n\n');
}

const NO_LINES = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: ' '.repeat(GAP),
};
