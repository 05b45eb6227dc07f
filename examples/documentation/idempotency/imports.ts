import type { Database } from './database.js';

/** A file of rows to be imported, and a fault on the way. */
export class Imports {
  readonly batches: number[] = [];

  constructor(
    private readonly db: Database,
    private readonly total: number,
    private failAt: number,
  ) {}

  importNextThousand(importId: string): Promise<{ done: number; total: number }> {
    return this.db.transaction(async (tx) => {
      const from = this.db.rows('imported_rows').length;
      this.batches.push(from);
      const until = Math.min(from + 1000, this.total);
      for (let row = from; row < until; row++) {
        if (row === this.failAt) {
          this.failAt = -1;
          throw new Error(`connection lost at row ${row}`);
        }
        await tx.query('INSERT INTO imported_rows (id, import) VALUES ($1, $2)', [row, importId]);
      }
      return { done: until, total: this.total };
    });
  }
}
