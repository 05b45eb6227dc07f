import { Injectable } from '@nestjs/common';
import { Task, type TaskContext, type TaskHandler } from 'nestjs-stem';
import { Mailer } from './services.js';

@Injectable()
export class ReportTasks {
  @Task('report.render', { maxRetries: 2, queue: 'reports' })
  async render(args: { month: string }, ctx: TaskContext): Promise<{ pages: number }> {
    ctx.log.log(`rendering ${args.month}`);
    return { pages: 3 };
  }
}

@Injectable()
@Task('email.digest', 1) // a number is short for maxRetries
export class DigestTask implements TaskHandler<{ userId: string }, void> {
  constructor(private readonly mailer: Mailer) {}

  async call(args: { userId: string }, ctx: TaskContext): Promise<void> {
    await this.mailer.sendDigest(args.userId, ctx.signal);
  }
}
