import { Injectable } from '@nestjs/common';
import { Task, type TaskArgs, type TaskContext, type TaskResult } from 'nestjs-stem';
import { ChargeCard } from './charge-card.js';
import { CardGateway } from './services.js';

@Injectable()
export class PaymentTasks {
  constructor(private readonly cards: CardGateway) {}

  @Task(ChargeCard, { maxRetries: 8 }) // options here win over the definition's
  async charge(
    { orderId }: TaskArgs<typeof ChargeCard>,
    ctx: TaskContext,
  ): Promise<TaskResult<typeof ChargeCard>> {
    return { receipt: await this.cards.charge(orderId, { idempotencyKey: ctx.id }) };
  }
}
