import { Injectable } from '@nestjs/common';
import { Task, type TaskContext, UnrecoverableTaskError } from 'nestjs-stem';
import { Database } from './database.js';
import { Printer } from './services.js';

@Injectable()
export class LetterTasks {
  constructor(
    private readonly db: Database,
    private readonly printer: Printer,
  ) {}

  @Task('letter.print', { maxRetries: 0 })
  async print({ letterId }: { letterId: string }, ctx: TaskContext): Promise<void> {
    const [first] = await this.db.query(
      'INSERT INTO printed (task_id) VALUES ($1) ON CONFLICT DO NOTHING RETURNING task_id',
      [ctx.id],
    );
    if (!first) {
      throw new UnrecoverableTaskError(`letter ${letterId} may have been printed already`);
    }
    await this.printer.print(letterId);
  }
}
