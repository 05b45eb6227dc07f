import { setTimeout as delay } from 'node:timers/promises';
import type { QueueStats } from '../../../broker/broker.js';
import { parseDuration } from '../../../core/duration.js';
import { CliError } from '../../framework/cli-error.js';
import { duration } from '../../framework/options.js';
import {
  type Call,
  type Report,
  StemCommand,
  StemSubCommand,
} from '../../framework/stem-command.js';
import { plural } from '../../output/text.js';
import { QUEUES, queuesOf } from './queues.js';

const options = {
  ...QUEUES,
  timeout: duration('--timeout <duration>', 'longest time to wait', '5m'),
};

const LOOK_EVERY_MS = 250;

@StemSubCommand({
  name: 'drain',
  arguments: '[queues...]',
  summary: 'Pauses queues and waits until none of their tasks runs',
  details: 'They stay paused until `stem queue resume`. Waiting tasks stay where they are.',
  options,
  examples: [
    ['queue drain reports --timeout 10m', 'before a migration that its tasks must not meet'],
  ],
})
export class StemQueueDrainCommand extends StemCommand<typeof options> {
  protected async execute(call: Call<typeof options>): Promise<Report> {
    const names = queuesOf(call);
    const { timeout } = call.options;
    const { queues } = (await call.session()).stem;
    const deadline = performance.now() + parseDuration(timeout, 'timeout');
    await Promise.all(names.map((queue) => queues.pause(queue)));
    for (;;) {
      const stats = await Promise.all(names.map((queue) => queues.stats(queue)));
      const busy = stats.filter(({ running }) => running > 0);
      if (busy.length === 0) return drained(stats);
      if (performance.now() >= deadline) {
        const left = busy.map(({ name, running }) => `${plural(running, 'task')} of '${name}'`);
        throw new CliError(
          `Still running after ${String(timeout)}: ${left.join(', ')}. The queues stay paused: wait again, or resume them.`,
          { code: 'CLI_TIMEOUT' },
        );
      }
      await delay(LOOK_EVERY_MS);
    }
  }
}

function drained(stats: readonly QueueStats[]): Report {
  return {
    json: stats.map(({ name, queued, scheduled }) => ({
      queue: name,
      paused: true,
      waiting: queued + scheduled,
    })),
    text: () =>
      stats
        .map(({ name, queued, scheduled }) => {
          return `${name}  paused, nothing runs; ${plural(queued + scheduled, 'task')} waiting`;
        })
        .join('\n'),
  };
}
