import type { WorkerReply } from '../../../client/ask-workers.js';
import { EXIT } from '../../exit-codes.js';
import { duration, texts, type ValuesOf } from '../../framework/options.js';
import type { Report } from '../../framework/stem-command.js';
import type { Page } from '../../output/page.js';
import type { Column } from '../../output/table.js';

/** Whom a command is for, and how long answers are waited for. */
export const ADDRESS = {
  worker: texts('-w, --worker <id>', 'only this worker, by id or name'),
  timeout: duration('--timeout <duration>', 'how long to wait for answers', '2s'),
} as const;

/** The address as the library takes it. */
export function addressOf({ worker, timeout }: ValuesOf<typeof ADDRESS>) {
  return {
    ...(worker.length === 0 ? {} : { worker }),
    ...(timeout === undefined ? {} : { timeout }),
  };
}

/**
 * One row for each addressed worker, whether it answered or not. Ends with 1 when there is none, or when
 * one of them has not done it.
 *
 * @param columns of the answer; a worker without an answer shows `-`.
 */
export function repliesReport<T>(
  replies: readonly WorkerReply<T>[],
  columns: (page: Page) => readonly Column<T>[] = () => [],
): Report {
  const allDone = replies.length > 0 && replies.every(({ status }) => status === 'ok');
  return {
    json: replies,
    text: (page) =>
      page.table(
        replies,
        [
          { head: 'WORKER', value: ({ worker }) => worker, fit: 'cut' },
          {
            head: 'REPLY',
            value: ({ status }) => status,
            paint: (text, { status }) => page.paint(STYLES[status], text),
          },
          ...columns(page).map((column): Column<WorkerReply<T>> => {
            const { paint } = column;
            return {
              ...column,
              value: ({ answer }) => (answer === undefined ? undefined : column.value(answer)),
              paint: (text, { answer }) =>
                answer === undefined || !paint ? text : paint(text, answer),
            };
          }),
          { head: 'TOOK', value: ({ tookMs }) => `${tookMs}ms`, align: 'right', fit: 'drop' },
          ...(replies.some(({ error }) => error !== undefined)
            ? [{ head: 'ERROR', value: ({ error }: WorkerReply<T>) => error, fit: 'cut' as const }]
            : []),
        ],
        'No worker answered, and none is known: `stem worker start` starts one.',
      ),
    exitCode: allDone ? EXIT.done : EXIT.negative,
  };
}

const STYLES = { ok: 'green', error: 'red', 'no-answer': 'yellow' } as const;
