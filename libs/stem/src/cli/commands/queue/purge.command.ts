import { CONFIRMATION, requireConfirmation } from '../../framework/confirmation.js';
import {
  type Call,
  type Report,
  StemCommand,
  StemSubCommand,
} from '../../framework/stem-command.js';
import { plural } from '../../output/text.js';
import { QUEUES, queuesOf } from './queues.js';

const options = { ...QUEUES, ...CONFIRMATION };

@StemSubCommand({
  name: 'purge',
  arguments: '[queues...]',
  summary: 'Cancels every waiting task of queues; running ones go on',
  options,
  examples: [
    ['queue purge reports --dry-run', 'how many it would be'],
    ['queue purge reports --yes', 'ends them as cancelled, with the reason "purged"'],
  ],
})
export class StemQueuePurgeCommand extends StemCommand<typeof options> {
  protected async execute(call: Call<typeof options>): Promise<Report> {
    const names = queuesOf(call);
    requireConfirmation(call.options, `cancel every waiting task of ${names.join(', ')}`);
    const { queues } = (await call.session()).stem;
    const { dryRun } = call.options;
    const purged: { queue: string; purged: number; dryRun: boolean }[] = [];
    for (const queue of names) {
      const stats = dryRun ? await queues.stats(queue) : undefined;
      const count = stats ? stats.queued + stats.scheduled : await queues.purge(queue);
      purged.push({ queue, purged: count, dryRun });
    }
    return {
      json: purged,
      text: () =>
        purged
          .map(({ queue, purged: count }) => {
            return `${queue}  ${plural(count, 'task')} ${dryRun ? 'would be cancelled' : 'cancelled'}`;
          })
          .join('\n'),
    };
  }
}
