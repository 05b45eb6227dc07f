import type { StemClient } from 'nestjs-stem';
import { SendEmail } from './tasks.js';

export async function enqueueTwo(stem: StemClient): Promise<void> {
  const task = await stem.enqueue(SendEmail, { recipient: 'ops@example.com' }, { delay: '30s' });
  const other = await stem.enqueue('email.send', { recipient: 'ops@example.com' });
  console.log(task.id, other.id);
  console.log(task.created); // false when an id or unique claim returned a task that was there
}

export async function enqueueTogether(stem: StemClient): Promise<void> {
  const [mail, charge] = await stem.enqueueMany([
    { task: SendEmail, args: { recipient: 'ops@example.com' }, options: { priority: 9 } },
    { task: 'card.charge', args: { orderId: '4711' } },
  ]);
  console.log(mail.id, charge.id);
}
