import {
  type Call,
  type Report,
  StemCommand,
  StemSubCommand,
} from '../../framework/stem-command.js';
import { tellOfQueues, WORKER_QUEUES } from './queues.js';

@StemSubCommand({
  name: 'resume',
  summary: 'Lets workers take tasks from queues again',
  details: 'A queue that `stem queue pause` has paused stays so.',
  options: WORKER_QUEUES,
  examples: [['worker resume -q reports --worker mailer', 'only those of one name']],
})
export class StemWorkerResumeCommand extends StemCommand<typeof WORKER_QUEUES> {
  protected execute(call: Call<typeof WORKER_QUEUES>): Promise<Report> {
    return tellOfQueues(call, 'resume');
  }
}
