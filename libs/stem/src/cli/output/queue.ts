import type { QueueStats } from '../../broker/broker.js';
import type { Page } from './page.js';

/** Queues as a table. */
export const queueTable = (queues: readonly QueueStats[], page: Page): string =>
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
      { head: 'SCHEDULED', value: ({ scheduled }) => scheduled, align: 'right', fit: 'drop' },
      { head: 'RUNNING', value: ({ running }) => running, align: 'right' },
      {
        head: 'DEAD',
        value: ({ deadLetters }) => deadLetters,
        align: 'right',
        paint: (text, { deadLetters }) => (deadLetters > 0 ? page.paint('red', text) : text),
      },
      { head: 'SUCCEEDED', value: ({ succeeded }) => succeeded, align: 'right', fit: 'drop' },
      { head: 'FAILED', value: ({ failed }) => failed, align: 'right', fit: 'drop' },
      { head: 'RETRIED', value: ({ retried }) => retried, align: 'right', fit: 'drop' },
    ],
    'No queue was ever used in this namespace.',
  );
