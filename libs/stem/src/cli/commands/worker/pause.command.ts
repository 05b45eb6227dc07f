import {
  type Call,
  type Report,
  StemCommand,
  StemSubCommand,
} from '../../framework/stem-command.js';
import { tellOfQueues, WORKER_QUEUES } from './queues.js';

@StemSubCommand({
  name: 'pause',
  summary: 'Lets workers take nothing more from queues, until they are resumed or restarted',
  details: 'Of all workers at once, restarts included: `stem queue pause`.',
  options: WORKER_QUEUES,
  examples: [['worker pause -q reports --worker mailer', 'only those of one name']],
})
export class StemWorkerPauseCommand extends StemCommand<typeof WORKER_QUEUES> {
  protected execute(call: Call<typeof WORKER_QUEUES>): Promise<Report> {
    return tellOfQueues(call, 'pause');
  }
}
