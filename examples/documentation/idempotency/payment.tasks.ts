import { Injectable } from '@nestjs/common';
import { defineTask, Task, type TaskArgs, type TaskContext } from 'nestjs-stem';
import { Database } from './database.js';
import { Payments } from './services.js';

export const ChargeCard = defineTask<{ orderId: string }, { receipt: string }>('card.charge');

@Injectable()
export class PaymentTasks {
  constructor(
    private readonly payments: Payments,
    private readonly db: Database,
  ) {}

  @Task(ChargeCard)
  async charge({ orderId }: TaskArgs<typeof ChargeCard>, ctx: TaskContext) {
    const receipt = await this.payments.charge(orderId, { idempotencyKey: ctx.id });
    await this.db.query(
      'INSERT INTO receipts (task_id, order_id, receipt) VALUES ($1, $2, $3) ON CONFLICT (task_id) DO NOTHING',
      [ctx.id, orderId, receipt],
    );
    return { receipt };
  }
}
