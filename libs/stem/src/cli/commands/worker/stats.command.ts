import {
  type Call,
  type Report,
  StemCommand,
  StemSubCommand,
} from '../../framework/stem-command.js';
import { bytes } from '../../output/bytes.js';
import { roughly } from '../../output/text.js';
import { ADDRESS, addressOf, repliesReport } from './replies.js';

@StemSubCommand({
  name: 'stats',
  summary: 'Asks workers what they do just now, and what they have done',
  options: ADDRESS,
  examples: [['worker stats', 'slots, tasks in hand, counts since the start, memory']],
})
export class StemWorkerStatsCommand extends StemCommand<typeof ADDRESS> {
  protected async execute({ options, session }: Call<typeof ADDRESS>): Promise<Report> {
    const replies = await (await session()).stem.workers.stats(addressOf(options));
    return repliesReport(replies, () => [
      { head: 'STATE', value: ({ state }) => state },
      {
        head: 'RUNNING',
        value: ({ running, concurrency }) => `${running}/${concurrency}`,
        align: 'right',
      },
      { head: 'HELD', value: ({ held }) => held, align: 'right' },
      { head: 'QUEUES', value: ({ queues }) => queues.join(','), fit: 'cut' },
      { head: 'OK', value: ({ counts }) => counts.runs['succeeded'] ?? 0, align: 'right' },
      {
        head: 'FAILED',
        value: ({ counts }) => counts.runs['failed'] ?? 0,
        align: 'right',
        fit: 'drop',
      },
      {
        head: 'RETRIED',
        value: ({ counts }) => counts.runs['retrying'] ?? 0,
        align: 'right',
        fit: 'drop',
      },
      { head: 'UP', value: ({ uptimeMs }) => roughly(uptimeMs), align: 'right', fit: 'drop' },
      {
        head: 'MEMORY',
        value: ({ memory }) => bytes(memory.rssBytes),
        align: 'right',
        fit: 'drop',
      },
      { head: 'VERSION', value: ({ version }) => version, fit: 'drop' },
    ]);
  }
}
