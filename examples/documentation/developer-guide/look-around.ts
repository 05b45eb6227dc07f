import type { StemClient } from 'nestjs-stem';
import type { SentEmail } from './email.tasks.js';

export async function lookAtWelcome(stem: StemClient): Promise<void> {
  const task = stem.task<SentEmail>('welcome-42');
  const status = await task.status(); // undefined: not known, or not any more
  console.log(status?.state); // 'scheduled', 'queued', 'running', 'retrying', 'succeeded', …
  console.log(status?.progress?.fraction); // what ctx.progress said last
  console.log(status?.error?.message); // the last failure, also while another try is coming
  const { messageId } = await task.result({ timeout: '10s' });
  console.log(messageId);
}

export async function lookAtDeadLetters(stem: StemClient): Promise<void> {
  const letters = await stem.deadLetters.list({ queue: 'default', limit: 20 });
  for (const { id, name, reason, error } of letters) console.log(id, name, reason, error?.message);
  await stem.deadLetters.replay({ queue: 'default', limit: 5 });
}

export async function lookAtQueue(stem: StemClient): Promise<void> {
  const { queued, running, scheduled, deadLetters } = await stem.queues.stats('default');
  console.log({ queued, running, scheduled, deadLetters });
}
