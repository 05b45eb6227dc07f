import {
  type Call,
  type Report,
  StemCommand,
  StemSubCommand,
} from '../../framework/stem-command.js';
import { QUEUES, queuesOf } from './queues.js';

@StemSubCommand({
  name: 'resume',
  arguments: '[queues...]',
  summary: 'Hands out tasks of queues again',
  options: QUEUES,
  examples: [['queue resume reports', 'workers take its tasks again']],
})
export class StemQueueResumeCommand extends StemCommand<typeof QUEUES> {
  protected async execute(call: Call<typeof QUEUES>): Promise<Report> {
    const queues = queuesOf(call);
    const { stem } = await call.session();
    await Promise.all(queues.map((queue) => stem.queues.resume(queue)));
    return {
      json: queues.map((queue) => ({ queue, paused: false })),
      text: () => queues.map((queue) => `${queue}  resumed`).join('\n'),
    };
  }
}
