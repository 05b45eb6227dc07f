import {
  type Call,
  type Report,
  StemCommand,
  StemSubCommand,
} from '../../framework/stem-command.js';
import { queueTable } from '../../output/queue.js';

@StemSubCommand({
  name: 'list',
  summary: 'Lists queues with their numbers',
  examples: [['queue list', 'every queue that was ever used']],
})
export class StemQueueListCommand extends StemCommand {
  protected async execute({ session }: Call): Promise<Report> {
    const queues = await (await session()).stem.queues.list();
    return { json: queues, text: (page) => queueTable(queues, page) };
  }
}
