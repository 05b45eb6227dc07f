import { Injectable } from '@nestjs/common';
import { Task, type TaskContext } from 'nestjs-stem';
import { Database } from './database.js';

@Injectable()
export class LoyaltyTasks {
  constructor(private readonly db: Database) {}

  @Task('loyalty.credit')
  async credit({ userId, points }: { userId: string; points: number }, ctx: TaskContext) {
    await this.db.transaction(async (tx) => {
      const [first] = await tx.query(
        'INSERT INTO done_tasks (id) VALUES ($1) ON CONFLICT DO NOTHING RETURNING id',
        [ctx.id],
      );
      if (!first) return; // a run before this one has committed
      await tx.query('UPDATE users SET points = points + $2 WHERE id = $1', [userId, points]);
    });
  }
}
