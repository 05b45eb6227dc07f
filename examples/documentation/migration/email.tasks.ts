import { Injectable } from '@nestjs/common';
import { type StemClient, Task, type TaskContext } from 'nestjs-stem';
import { ConnectionError, deliver } from './delivery.js';

@Injectable()
export class EmailTasks {
  @Task('email.send', {
    maxRetries: 5,
    retry: { retryOn: [ConnectionError] },
    softTimeLimit: '10s',
    rateLimit: '10/s',
  })
  async send(args: { recipient: string }, ctx: TaskContext) {
    await ctx.progress(0.5);
    return deliver(args.recipient, ctx.signal);
  }
}

export async function sendAndWait(stem: StemClient): Promise<unknown> {
  const task = await stem.enqueue(
    'email.send',
    { recipient: 'ops@example.com' },
    { delay: '30s', queue: 'mail' },
  );
  const messageId = await task.result({ timeout: '60s' });
  return messageId;
}
