import { Injectable } from '@nestjs/common';
import { Task, type TaskContext } from 'nestjs-stem';
import { Imports } from './imports.js';

@Injectable()
export class ImportTasks {
  constructor(private readonly imports: Imports) {}

  @Task('import.run', { maxRetries: 5 })
  async run({ importId }: { importId: string }, ctx: TaskContext): Promise<void> {
    for (;;) {
      ctx.signal.throwIfAborted(); // stopped, cancelled, or somebody else has it now
      const { done, total } = await this.imports.importNextThousand(importId); // rows and position in one transaction
      await ctx.progress(done / total);
      if (done === total) return;
    }
  }
}
