import type { DeadLetter } from '../../client/task-status.js';
import type { Page } from './page.js';
import { relative } from './text.js';

/** Dead letters as a table. */
export const deadLetterTable = (letters: readonly DeadLetter[], page: Page): string =>
  page.table(
    letters,
    [
      { head: 'ID', value: ({ id }) => id },
      { head: 'TASK', value: ({ name }) => name, fit: 'cut' },
      { head: 'DIED', value: ({ finishedAt }) => relative(finishedAt) },
      { head: 'REASON', value: ({ reason }) => reason, fit: 'cut' },
      {
        head: 'ERROR',
        value: ({ error }) => error && `${error.name}: ${error.message}`,
        fit: 'cut',
      },
      { head: 'QUEUE', value: ({ queue }) => queue, fit: 'drop' },
      { head: 'REPLAYS', value: ({ replays }) => replays, align: 'right', fit: 'drop' },
    ],
    'No dead letters.',
  );
