import type { StemClient, TaskHandle } from 'nestjs-stem';
import { ChargeCard } from './payment.tasks.js';

export async function chargeOnce(stem: StemClient, orderId: string): Promise<TaskHandle> {
  const task = await stem.enqueue(
    ChargeCard,
    { orderId },
    { id: `charge-${orderId}`, resultTtl: '30d' },
  );
  if (!task.created) console.log('was enqueued before');
  return task;
}
