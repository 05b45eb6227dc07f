/**
 * Stands for your database: tables in memory whose first column is unique, and as much of SQL as the
 * recipes use. Transactions come one after the other, and one that throws leaves nothing behind.
 */
type Row = Record<string, unknown>;

export interface Queries {
  query<R = Row>(sql: string, values: readonly unknown[]): Promise<R[]>;
}

export class Database implements Queries {
  #tables: Record<string, Row[]> = {};
  #last: Promise<unknown> = Promise.resolve();

  constructor(private readonly unique: Readonly<Record<string, string>>) {}

  /** What a table holds. */
  rows(table: string): readonly Row[] {
    return (this.#tables[table] ??= []);
  }

  query<R = Row>(sql: string, values: readonly unknown[]): Promise<R[]> {
    return this.transaction((tx) => tx.query<R>(sql, values));
  }

  transaction<T>(work: (tx: Queries) => Promise<T>): Promise<T> {
    const run = this.#last.then(async () => {
      const before = structuredClone(this.#tables);
      try {
        return await work({ query: async (sql, values) => this.#carryOut(sql, values) });
      } catch (error) {
        this.#tables = before;
        throw error;
      }
    });
    this.#last = run.catch(() => undefined);
    return run;
  }

  #carryOut<R>(sql: string, values: readonly unknown[]): R[] {
    const parts = (pattern: RegExp): string[] | undefined => pattern.exec(sql)?.slice(1);
    const value = (text: string): unknown => {
      const number = /^\$(\d+)$/.exec(text.trim())?.[1];
      return number === undefined ? text.trim() : values[Number(number) - 1];
    };

    const insert = parts(/^INSERT INTO (\w+) \((.+?)\) VALUES \((.+?)\)(.*)$/);
    if (insert) {
      const [table = '', columns = '', given = '', rest = ''] = insert;
      const names = columns.split(', ');
      const row: Row = {};
      given.split(', ').forEach((text, at) => (row[names[at] ?? ''] = value(text)));
      const key = this.unique[table] ?? 'id';
      const rows = this.#table(table);
      if (rows.some((other) => other[key] === row[key])) {
        if (rest.includes('DO NOTHING')) return [];
        throw new Error(`${table}: there is one with this ${key}`);
      }
      rows.push(row);
      return (rest.includes('RETURNING') ? [row] : []) as R[];
    }

    const select = parts(/^SELECT .+ FROM (\w+) ORDER BY id LIMIT (\d+)$/);
    if (select) {
      return this.#table(select[0] ?? '').slice(0, Number(select[1])) as R[];
    }

    const remove = parts(/^DELETE FROM (\w+) WHERE (\w+) = (\$\d+)$/);
    if (remove) {
      const [table = '', column = '', wanted = ''] = remove;
      this.#tables[table] = this.#table(table).filter((row) => row[column] !== value(wanted));
      return [];
    }

    const add = parts(/^UPDATE (\w+) SET (\w+) = \w+ \+ (\$\d+) WHERE (\w+) = (\$\d+)$/);
    if (add) {
      const [table = '', target = '', amount = '', column = '', wanted = ''] = add;
      for (const row of this.#table(table)) {
        if (row[column] !== value(wanted)) continue;
        row[target] = Number(row[target]) + Number(value(amount));
      }
      return [];
    }
    throw new Error(`This database does not know ${sql}`);
  }

  #table(name: string): Row[] {
    return (this.#tables[name] ??= []);
  }
}
