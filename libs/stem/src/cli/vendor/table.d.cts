/** What is used of cli-table3. */
export declare class Table {
  constructor(options: {
    readonly head: readonly string[];
    readonly chars: Readonly<Record<string, string>>;
    readonly style: Readonly<Record<string, unknown>>;
    readonly colWidths: readonly number[];
    readonly colAligns: readonly ('left' | 'right' | 'center')[];
  });
  push(row: readonly string[]): number;
  toString(): string;
}

/** string-width. */
export declare function stringWidth(text: string): number;
