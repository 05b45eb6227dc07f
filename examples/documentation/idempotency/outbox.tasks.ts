import { Injectable } from '@nestjs/common';
import { Schedule, StemClient, Task } from 'nestjs-stem';
import { Database } from './database.js';

interface OutboxRow {
  readonly id: string;
  readonly task: string;
  readonly args: unknown;
}

@Injectable()
export class OutboxTasks {
  constructor(
    private readonly db: Database,
    private readonly stem: StemClient,
  ) {}

  @Schedule('every:5s', { id: 'outbox' })
  @Task('outbox.relay', { unique: true, maxRetries: 0 })
  async relay(): Promise<void> {
    const rows = await this.db.query<OutboxRow>(
      'SELECT id, task, args FROM outbox ORDER BY id LIMIT 500',
      [],
    );
    for (const row of rows) {
      await this.stem.enqueue(row.task, row.args, { id: `outbox-${row.id}` });
      await this.db.query('DELETE FROM outbox WHERE id = $1', [row.id]);
    }
  }
}
