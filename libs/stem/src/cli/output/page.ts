import { styleText } from 'node:util';
import type { Paint } from './paint.js';
import { createTable, type Column } from './table.js';
import { visible } from './text.js';

/** Where a report is written for people. */
export interface Page {
  /** Columns of the terminal; Infinity where nobody looks at lines, such as in a file. */
  readonly width: number;
  readonly paint: Paint;
  /** Rows under heads, as wide as the page at most; `empty` when there are none. */
  readonly table: <T>(rows: readonly T[], columns: readonly Column<T>[], empty: string) => string;
  /** Names and values; those that are undefined are left out. */
  readonly details: (entries: readonly (readonly [string, string | undefined])[]) => string;
}

/** The page of a stream. */
export function createPage(stream: NodeJS.WriteStream = process.stdout): Page {
  const width = widthOf(stream);
  const coloured = stream.isTTY && stream.hasColors();
  const paint: Paint = (style, text) => (coloured ? styleText(style, text) : text);
  return {
    width,
    paint,
    table: (rows, columns, empty) =>
      rows.length === 0 ? paint('dim', empty) : createTable(rows, columns, { width, paint }),
    details: (entries) => {
      const given = entries.filter((entry): entry is [string, string] => entry[1] !== undefined);
      const widest = Math.max(0, ...given.map(([name]) => name.length));
      return given
        .map(([name, value]) => {
          const lines = value.split('\n').map(visible);
          const head = paint('dim', name.padEnd(widest));
          if (lines.length === 1) return `${head}  ${lines[0]}`;
          return `${head}\n${lines.map((line) => `  ${line}`).join('\n')}`;
        })
        .join('\n');
    },
  };
}

function widthOf(stream: NodeJS.WriteStream): number {
  if (stream.isTTY) return stream.columns || 80;
  const columns = Number(process.env['COLUMNS']);
  return Number.isInteger(columns) && columns > 0 ? columns : Infinity;
}
