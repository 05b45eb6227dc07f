import { usageError } from '../../framework/cli-error.js';
import { flag, text, texts } from '../../framework/options.js';
import {
  type Call,
  type Report,
  StemCommand,
  StemSubCommand,
} from '../../framework/stem-command.js';
import { ADDRESS, addressOf, repliesReport } from './replies.js';
import { EXIT } from '../../exit-codes.js';

const options = {
  task: texts('--task <id>', 'which task'),
  terminate: flag('--terminate', 'isolated handlers may be killed'),
  reason: text('--reason <text>', 'shown to whoever waits for the task'),
  ...ADDRESS,
};

@StemSubCommand({
  name: 'revoke',
  summary: 'Cancels tasks wherever they are, and asks workers which of them they held',
  options,
  examples: [['worker revoke --task 0V1StGXR8Z5jdHi6B --terminate', 'even if it does not listen']],
})
export class StemWorkerRevokeCommand extends StemCommand<typeof options> {
  protected async execute({ options: given, session }: Call<typeof options>): Promise<Report> {
    const { task, terminate, reason } = given;
    if (task.length === 0) throw usageError('Which task? Give --task.');
    const replies = await (
      await session()
    ).stem.workers.revoke({
      ...addressOf(given),
      ids: task,
      terminate,
      ...(reason === undefined ? {} : { reason }),
    });
    const report = repliesReport(replies, () => [
      { head: 'STOPPED', value: ({ revoked }) => revoked.join(',') || '-', fit: 'cut' },
    ]);
    // Waiting tasks are cancelled without any worker.
    return replies.length === 0
      ? {
          ...report,
          text: () => 'No worker runs; waiting tasks are cancelled.',
          exitCode: EXIT.done,
        }
      : report;
  }
}
