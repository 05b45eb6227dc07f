import {
  type Call,
  type Report,
  StemCommand,
  StemSubCommand,
} from '../../framework/stem-command.js';
import { QUEUES, queuesOf } from './queues.js';

@StemSubCommand({
  name: 'pause',
  arguments: '[queues...]',
  summary: 'Stops handing out tasks of queues; running ones go on',
  options: QUEUES,
  examples: [['queue pause reports', 'until it is resumed, in every process']],
})
export class StemQueuePauseCommand extends StemCommand<typeof QUEUES> {
  protected async execute(call: Call<typeof QUEUES>): Promise<Report> {
    const queues = queuesOf(call);
    const { stem } = await call.session();
    await Promise.all(queues.map((queue) => stem.queues.pause(queue)));
    return {
      json: queues.map((queue) => ({ queue, paused: true })),
      text: () => queues.map((queue) => `${queue}  paused`).join('\n'),
    };
  }
}
