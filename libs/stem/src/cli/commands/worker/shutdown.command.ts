import { STOP_MODES } from '../../../core/control.js';
import { choice } from '../../framework/options.js';
import {
  type Call,
  type Report,
  StemCommand,
  StemSubCommand,
} from '../../framework/stem-command.js';
import { ADDRESS, addressOf, repliesReport } from './replies.js';

const options = {
  mode: choice(
    '--mode <mode>',
    'warm: running tasks may end (default); soft: they are told to; hard',
    STOP_MODES,
  ),
  ...ADDRESS,
};

@StemSubCommand({
  name: 'shutdown',
  summary: 'Stops workers; what has not ended goes back to its queue',
  details:
    'A process that is nothing but a worker (`stem worker start`) ends then; in an application the rest\n' +
    'goes on. What starts workers again, such as Kubernetes, will.',
  options,
  examples: [
    ['worker shutdown --worker mailer', 'lets its tasks end first'],
    ['worker shutdown --mode hard', 'all of them, at once'],
  ],
})
export class StemWorkerShutdownCommand extends StemCommand<typeof options> {
  protected async execute({ options: given, session }: Call<typeof options>): Promise<Report> {
    const { workers } = (await session()).stem;
    const replies = await workers.shutdown({ ...addressOf(given), mode: given.mode ?? 'warm' });
    return repliesReport(replies, () => [
      { head: 'MODE', value: ({ mode }) => mode },
      { head: 'RUNNING', value: ({ running }) => running, align: 'right' },
    ]);
  }
}
