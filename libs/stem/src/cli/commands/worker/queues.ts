import { usageError } from '../../framework/cli-error.js';
import { texts } from '../../framework/options.js';
import type { Call, Report } from '../../framework/stem-command.js';
import { ADDRESS, addressOf, repliesReport } from './replies.js';

/** Which queues of which workers. */
export const WORKER_QUEUES = { queue: texts('-q, --queue <name>', 'which queue'), ...ADDRESS };

/** Lets workers take nothing more from queues, or take from them again. */
export async function tellOfQueues(
  { options, session }: Call<typeof WORKER_QUEUES>,
  command: 'pause' | 'resume',
): Promise<Report> {
  const { queue } = options;
  if (queue.length === 0) throw usageError('Which queue? Give --queue.');
  const { workers } = (await session()).stem;
  const replies = await workers[command]({ ...addressOf(options), queues: queue });
  return repliesReport(replies, () => [
    { head: 'QUEUES', value: ({ queues }) => queues.join(','), fit: 'cut' },
    { head: 'PAUSED', value: ({ paused }) => paused.join(',') || '-', fit: 'cut' },
  ]);
}
