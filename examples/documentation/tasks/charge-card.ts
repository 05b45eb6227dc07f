import { defineTask } from 'nestjs-stem';

export const ChargeCard = defineTask<{ orderId: string }, { receipt: string }>('card.charge', {
  maxRetries: 5,
  queue: 'payments',
});
