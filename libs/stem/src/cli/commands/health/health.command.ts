import { EXIT } from '../../exit-codes.js';
import {
  type Call,
  type Report,
  StemCommand,
  StemSubCommand,
} from '../../framework/stem-command.js';

@StemSubCommand({
  name: 'health',
  summary: 'Tells whether broker, stores, workers and Beat are well',
  details: 'Ends with 1 when one of them is not.',
  examples: [
    ['health', 'each with its latency, and the reason when it is not well'],
    ['health --json', 'for probes'],
  ],
})
export class StemHealthCommand extends StemCommand {
  protected async execute({ session }: Call): Promise<Report> {
    const health = await (await session()).stem.health();
    return {
      json: health,
      text: (page) =>
        page.table(
          health.checks,
          [
            { head: 'CHECK', value: ({ name }) => name },
            {
              head: 'HEALTH',
              value: ({ healthy }) => (healthy ? 'healthy' : 'unhealthy'),
              paint: (text, { healthy }) => page.paint(healthy ? 'green' : 'red', text),
            },
            {
              head: 'LATENCY',
              value: ({ latencyMs }) => (latencyMs === undefined ? undefined : `${latencyMs}ms`),
              align: 'right',
            },
            { head: 'REASON', value: ({ reason }) => reason, fit: 'cut' },
          ],
          'Nothing was looked at.',
        ),
      exitCode: health.healthy ? EXIT.done : EXIT.negative,
    };
  }
}
