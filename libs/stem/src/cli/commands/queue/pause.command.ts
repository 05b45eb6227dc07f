import {
  type Call,
  type Report,
  StemCommand,
  StemSubCommand,
} from '../../framework/stem-command.js';
import { QUEUES, switchQueues } from './queues.js';

@StemSubCommand({
  name: 'pause',
  arguments: '[queues...]',
  summary: 'Stops handing out tasks of queues; running ones go on',
  options: QUEUES,
  examples: [['queue pause reports', 'until it is resumed, in every process']],
})
export class StemQueuePauseCommand extends StemCommand<typeof QUEUES> {
  protected execute(call: Call<typeof QUEUES>): Promise<Report> {
    return switchQueues(call, 'pause');
  }
}
