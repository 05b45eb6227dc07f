import {
  type Call,
  type Report,
  StemCommand,
  StemSubCommand,
} from '../../framework/stem-command.js';
import { ADDRESS, addressOf, repliesReport } from './replies.js';

@StemSubCommand({
  name: 'ping',
  summary: 'Asks workers whether they are there',
  details: 'Ends with 1 when there is none, or when one does not answer.',
  options: ADDRESS,
  examples: [
    ['worker ping', 'all of them'],
    ['worker ping --worker mailer --timeout 500ms', 'those of one name'],
  ],
})
export class StemWorkerPingCommand extends StemCommand<typeof ADDRESS> {
  protected async execute({ options, session }: Call<typeof ADDRESS>): Promise<Report> {
    const replies = await (await session()).stem.workers.ping(addressOf(options));
    return repliesReport(replies, (page) => [
      { head: 'STATE', value: ({ state }) => state },
      {
        head: 'HEALTH',
        value: ({ isHealthy }) => (isHealthy ? 'healthy' : 'unhealthy'),
        paint: (text, { isHealthy }) => page.paint(isHealthy ? 'green' : 'red', text),
      },
    ]);
  }
}
