import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Injectable } from '@nestjs/common';
import { Task, type TaskContext } from 'nestjs-stem';

@Injectable()
export class ImageTasks {
  @Task('image.hash', { visibilityTimeout: '5m' })
  async hash(args: { path: string }, ctx: TaskContext): Promise<string> {
    await ctx.extendLease('10m'); // or for this run only
    return createHash('sha256').update(readFileSync(args.path)).digest('hex');
  }
}
