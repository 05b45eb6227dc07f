import type { DeadLetter } from '../../../client/task-status.js';
import {
  type Call,
  type Report,
  StemCommand,
  StemSubCommand,
} from '../../framework/stem-command.js';
import { WATCH, watch } from '../../framework/watch.js';
import { relative } from '../../output/text.js';

/** What gave up lately tells what goes wrong now; older letters are only counted. */
const LATEST = 1_000;

interface Kind {
  readonly queue: string;
  readonly task: string;
  readonly reason: string | undefined;
  readonly count: number;
  readonly lastAt: Date | undefined;
  readonly lastError: string | undefined;
}

@StemSubCommand({
  name: 'dlq',
  summary: 'Shows what gave up: how many in each queue, and the latest by task and reason',
  details: `Tasks and reasons are those of the latest ${LATEST} dead letters.`,
  options: WATCH,
  examples: [['observe dlq', 'what goes wrong most']],
})
export class StemObserveDlqCommand extends StemCommand<typeof WATCH> {
  protected async execute(call: Call<typeof WATCH>): Promise<Report | void> {
    const { stem } = await call.session();
    return watch(call, async () => {
      const [stats, letters] = await Promise.all([
        stem.queues.list(),
        stem.deadLetters.list({ limit: LATEST }),
      ]);
      const queues = stats
        .filter(({ deadLetters }) => deadLetters > 0)
        .map(({ name, deadLetters }) => ({ queue: name, deadLetters }));
      const kinds = kindsOf(letters);
      return {
        json: { queues, kinds, lookedAt: letters.length },
        text: (page) =>
          [
            page.table(
              queues,
              [
                { head: 'QUEUE', value: ({ queue }) => queue, fit: 'cut' },
                { head: 'DEAD', value: ({ deadLetters }) => deadLetters, align: 'right' },
              ],
              'No dead letters.',
            ),
            ...(kinds.length === 0
              ? []
              : [
                  page.table(
                    kinds,
                    [
                      { head: 'TASK', value: ({ task }) => task, fit: 'cut' },
                      { head: 'REASON', value: ({ reason }) => reason, fit: 'cut' },
                      { head: 'COUNT', value: ({ count }) => count, align: 'right' },
                      { head: 'LAST', value: ({ lastAt }) => relative(lastAt) },
                      { head: 'LAST ERROR', value: ({ lastError }) => lastError, fit: 'cut' },
                      { head: 'QUEUE', value: ({ queue }) => queue, fit: 'drop' },
                    ],
                    '',
                  ),
                ]),
          ].join('\n\n'),
      };
    });
  }
}

/** The most frequent first. */
function kindsOf(letters: readonly DeadLetter[]): Kind[] {
  const kinds = new Map<string, Kind>();
  for (const { queue, name, reason, finishedAt, error } of letters) {
    const key = JSON.stringify([queue, name, reason]);
    const known = kinds.get(key);
    // The newest comes first, so the first of a kind is its last.
    kinds.set(key, {
      ...(known ?? {
        queue,
        task: name,
        reason,
        lastAt: finishedAt,
        lastError: error && `${error.name}: ${error.message}`,
      }),
      count: (known?.count ?? 0) + 1,
    });
  }
  return [...kinds.values()].sort((a, b) => b.count - a.count);
}
