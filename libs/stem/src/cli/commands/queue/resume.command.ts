import {
  type Call,
  type Report,
  StemCommand,
  StemSubCommand,
} from '../../framework/stem-command.js';
import { QUEUES, switchQueues } from './queues.js';

@StemSubCommand({
  name: 'resume',
  arguments: '[queues...]',
  summary: 'Hands out tasks of queues again',
  options: QUEUES,
  examples: [['queue resume reports', 'workers take its tasks again']],
})
export class StemQueueResumeCommand extends StemCommand<typeof QUEUES> {
  protected execute(call: Call<typeof QUEUES>): Promise<Report> {
    return switchQueues(call, 'resume');
  }
}
