import { Injectable } from '@nestjs/common';
import { Task, type TaskContext, UnrecoverableTaskError } from 'nestjs-stem';

@Injectable()
export class PartnerTasks {
  @Task('partner.sync', 10)
  async sync(args: { url: string }, ctx: TaskContext): Promise<void> {
    const response = await fetch(args.url, { signal: ctx.signal });
    if (response.status === 429) ctx.retry({ delay: '1m', reason: 'asked to slow down' });
    if (response.status === 410) throw new UnrecoverableTaskError(`${args.url} is gone`);
    if (!response.ok) throw new Error(`${args.url} answered ${response.status}`);
  }
}
