import { DEATH_REASONS } from '../../../broker/broker.js';
import type { DeadLetterSelection } from '../../../client/dead-letters.js';
import { choice, count, past, text, texts, type ValuesOf } from '../../framework/options.js';
import { usageError } from '../../framework/cli-error.js';
import { plural } from '../../output/text.js';

/** Which dead letters. */
export const FILTER = {
  queue: text('-q, --queue <name>', 'of this queue'),
  since: past('--since <time>', 'that died at or after this time'),
  task: text('--task <name>', 'of this task'),
  reason: choice('--reason <reason>', 'that gave up for this reason', DEATH_REASONS),
} as const;

/** Which dead letters to act on. */
export const SELECTION = {
  ...FILTER,
  id: texts('--id <id>', 'this one'),
  limit: count('--limit <n>', 'at most so many, the oldest first'),
} as const;

type Given<T> = { readonly [K in keyof T]: T[K] };

/** What the library wants to know; neither queue nor ids is refused. */
export function selectionOf(given: Given<ValuesOf<typeof SELECTION>>): DeadLetterSelection {
  const { queue, id, limit } = given;
  if ((queue === undefined) === (id.length === 0)) {
    throw usageError('Which dead letters? Give either --queue or --id.');
  }
  return {
    ...filterOf(given),
    ...(queue === undefined ? { ids: id } : { queue }),
    ...(limit === undefined ? {} : { limit }),
  };
}

export function filterOf({ since, task, reason }: Given<ValuesOf<typeof FILTER>>) {
  return {
    ...(since === undefined ? {} : { since }),
    ...(task === undefined ? {} : { task }),
    ...(reason === undefined ? {} : { reason }),
  };
}

/** A selection in words, for a refusal. */
export function describeSelection({
  queue,
  ids = [],
  task,
  reason,
  since,
  limit,
}: DeadLetterSelection): string {
  const which = queue === undefined ? plural(ids.length, 'dead letter') : 'dead letters';
  return [
    limit === undefined ? which : `at most ${plural(limit, 'dead letter')}`,
    ...(queue === undefined ? [] : [`of queue '${queue}'`]),
    ...(task === undefined ? [] : [`of task '${task}'`]),
    ...(reason === undefined ? [] : [`with reason ${reason}`]),
    ...(since === undefined ? [] : [`since ${since.toISOString()}`]),
  ].join(' ');
}
