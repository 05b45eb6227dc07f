import { usageError } from '../../framework/cli-error.js';
import { texts } from '../../framework/options.js';
import {
  type Call,
  type Report,
  StemCommand,
  StemSubCommand,
} from '../../framework/stem-command.js';
import { ADDRESS, addressOf, repliesReport } from './replies.js';

const options = { queue: texts('-q, --queue <name>', 'which queue'), ...ADDRESS };

@StemSubCommand({
  name: 'pause',
  summary: 'Lets workers take nothing more from queues, until they are resumed or restarted',
  details: 'Of all workers at once, restarts included: `stem queue pause`.',
  options,
  examples: [['worker pause -q reports --worker mailer', 'only those of one name']],
})
export class StemWorkerPauseCommand extends StemCommand<typeof options> {
  protected async execute({ options: given, session }: Call<typeof options>): Promise<Report> {
    const { queue } = given;
    if (queue.length === 0) throw usageError('Which queue? Give --queue.');
    const { workers } = (await session()).stem;
    const replies = await workers.pause({ ...addressOf(given), queues: queue });
    return repliesReport(replies, () => [
      { head: 'QUEUES', value: ({ queues }) => queues.join(','), fit: 'cut' },
      { head: 'PAUSED', value: ({ paused }) => paused.join(',') || '-', fit: 'cut' },
    ]);
  }
}
