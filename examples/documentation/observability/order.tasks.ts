import { Injectable } from '@nestjs/common';
import { trace } from '@opentelemetry/api';
import { Task, type TaskContext } from 'nestjs-stem';

@Injectable()
export class OrderTasks {
  @Task('order.ship')
  async ship({ orderId }: { orderId: string }, ctx: TaskContext): Promise<void> {
    trace.getActiveSpan()?.setAttribute('order.id', orderId);
    await ctx.enqueue('label.print', { orderId }); // in the same trace
  }

  @Task('label.print')
  async print(): Promise<void> {}
}
