import { Injectable } from '@nestjs/common';
import { defineTask, Task, type TaskArgs, type TaskContext } from 'nestjs-stem';

export const SendEmail = defineTask<{ recipient: string }>('email.send');

@Injectable()
export class OrderTasks {
  @Task('order.ship')
  async ship({ orderId }: { orderId: string }, ctx: TaskContext): Promise<void> {
    await ctx.enqueue(SendEmail, { recipient: 'ada@example.com' }, { id: `shipped-${orderId}` });
  }

  @Task(SendEmail)
  async sendEmail({ recipient }: TaskArgs<typeof SendEmail>, ctx: TaskContext): Promise<void> {
    ctx.log.log(`to ${recipient}`);
  }
}
