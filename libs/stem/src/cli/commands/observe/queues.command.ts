import {
  type Call,
  type Report,
  StemCommand,
  StemSubCommand,
} from '../../framework/stem-command.js';
import { WATCH, watch } from '../../framework/watch.js';
import { roughly } from '../../output/text.js';

@StemSubCommand({
  name: 'queues',
  summary: 'Shows how queues stand, and what happened in them in the last five minutes',
  options: WATCH,
  examples: [['observe queues --watch', 'drawn anew every two seconds']],
})
export class StemObserveQueuesCommand extends StemCommand<typeof WATCH> {
  protected async execute(call: Call<typeof WATCH>): Promise<Report | void> {
    const { stem } = await call.session();
    return watch(call, async () => {
      const { queues } = await stem.metrics({ window: '5m' });
      return {
        json: queues,
        text: (page) =>
          page.table(
            queues,
            [
              { head: 'QUEUE', value: ({ name }) => name, fit: 'cut' },
              {
                head: 'STATE',
                value: ({ paused }) => (paused ? 'paused' : 'active'),
                paint: (text, { paused }) => page.paint(paused ? 'yellow' : 'green', text),
              },
              { head: 'QUEUED', value: ({ queued }) => queued, align: 'right' },
              {
                head: 'OLDEST',
                value: ({ oldestReadyAgeMs: age }) =>
                  age === undefined ? undefined : roughly(age),
                align: 'right',
              },
              { head: 'RUNNING', value: ({ running }) => running, align: 'right' },
              {
                head: 'DEAD',
                value: ({ deadLetters }) => deadLetters,
                align: 'right',
                paint: (text, { deadLetters }) =>
                  deadLetters > 0 ? page.paint('red', text) : text,
              },
              {
                head: 'SCHEDULED',
                value: ({ scheduled }) => scheduled,
                align: 'right',
                fit: 'drop',
              },
              {
                head: 'IN 5M',
                value: ({ recent }) => recent.enqueued,
                align: 'right',
                fit: 'drop',
              },
              {
                head: 'OK 5M',
                value: ({ recent }) => recent.succeeded,
                align: 'right',
                fit: 'drop',
              },
              {
                head: 'FAILED 5M',
                value: ({ recent }) => recent.failed,
                align: 'right',
                fit: 'drop',
              },
            ],
            'No queue was ever used in this namespace.',
          ),
      };
    });
  }
}
