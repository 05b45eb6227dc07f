import { Injectable } from '@nestjs/common';
import { Task, type TaskContext } from 'nestjs-stem';
import { Shop } from './services.js';

@Injectable()
export class ImportTasks {
  constructor(private readonly shop: Shop) {}

  @Task('import.run')
  async run(args: { rows: number }, ctx: TaskContext): Promise<void> {
    for (let row = 0; row < args.rows; row++) {
      await this.shop.importRow(row);
      if (row % 1000 === 0) await ctx.progress(row / args.rows, { row });
    }
  }
}
