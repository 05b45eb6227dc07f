import type { StemClient } from 'nestjs-stem';

export async function lookAtQueues(stem: StemClient): Promise<void> {
  for (const queue of await stem.queues.list()) {
    const { name, paused, queued, running, scheduled, deadLetters } = queue;
    console.log(name, { paused, queued, running, scheduled, deadLetters });
  }
}

export async function stopReports(stem: StemClient): Promise<void> {
  await stem.queues.pause('reports'); // in every process; running tasks go on
  const cancelled = await stem.queues.purge('reports'); // waiting tasks only
  console.log(cancelled, 'cancelled');
}
