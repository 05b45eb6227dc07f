import type { StemClient } from 'nestjs-stem';

export async function tellWorkers(stem: StemClient, taskIds: readonly string[]): Promise<void> {
  for (const { worker, status, answer, error } of await stem.workers.ping()) {
    console.log(worker, status === 'ok' ? answer?.state : (error ?? 'no answer'));
  }
  const [report] = await stem.workers.inspect({ worker: 'mail-1' });
  const longest = report?.answer?.tasks[0];
  console.log(longest?.id, longest?.name, longest?.queue, longest?.state, longest?.runningMs);

  await stem.workers.pause({ queues: 'reports', worker: ['mail-1', 'mail-2'] });
  await stem.workers.revoke({ ids: taskIds, terminate: true, reason: 'wrong file' });
  await stem.workers.shutdown({ worker: 'mail-1', mode: 'warm' });
}
