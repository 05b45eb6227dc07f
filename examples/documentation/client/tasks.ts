import { Injectable } from '@nestjs/common';
import { defineTask, Task, type TaskArgs, type TaskContext, type TaskResult } from 'nestjs-stem';

export const SendEmail = defineTask<{ recipient: string }, { messageId: string }>('email.send');

@Injectable()
export class Tasks {
  @Task(SendEmail)
  send({ recipient }: TaskArgs<typeof SendEmail>): TaskResult<typeof SendEmail> {
    if (!recipient.includes('@')) throw new Error(`${recipient} is no address`);
    return { messageId: `message to ${recipient}` };
  }

  @Task('card.charge')
  charge({ orderId }: { orderId: string }): string {
    return `receipt of ${orderId}`;
  }

  @Task('report.render', { queue: 'reports' })
  render(_args: object, { signal }: TaskContext): Promise<void> {
    return new Promise((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error));
    });
  }
}
