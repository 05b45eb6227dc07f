import type { TaskStatus } from '../../client/task-status.js';
import type { TaskState } from '../../core/task-state.js';
import type { Page } from './page.js';
import type { Style } from './paint.js';
import { compact, moment, pretty } from './text.js';

const STYLES: Readonly<Record<TaskState, Style>> = {
  scheduled: 'cyan',
  queued: 'cyan',
  running: 'blue',
  retrying: 'yellow',
  succeeded: 'green',
  failed: 'red',
  cancelled: 'dim',
  expired: 'dim',
};

/** A task's state in its colour. */
export const paintState = (page: Page, text: string, state: TaskState): string =>
  page.paint(STYLES[state], text);

/** Everything that is known of a task, as lines of names and values. */
export function describeTask(
  task: TaskStatus,
  page: Page,
  more: readonly (readonly [string, string | undefined])[] = [],
): string {
  const { error, progress } = task;
  return page.details([
    ['id', task.id],
    ['task', task.name],
    ['state', paintState(page, task.state, task.state)],
    ...more,
    ['queue', task.queue],
    ['attempt', String(task.attempt)],
    ['deliveries', String(task.deliveries)],
    ['enqueued', moment(task.enqueuedAt)],
    ['due', moment(task.notBefore)],
    ['started', moment(task.startedAt)],
    ['finished', moment(task.finishedAt)],
    ['worker', task.worker],
    ['progress', progress && `${Math.round(progress.fraction * 100)} % ${compact(progress.data)}`],
    ['headers', Object.keys(task.headers).length === 0 ? undefined : pretty(task.headers)],
    ['meta', Object.keys(task.meta).length === 0 ? undefined : pretty(task.meta)],
    ['args', pretty(task.args)],
    ['result', pretty(task.result)],
    ['error', error && (error.stack ?? `${error.name}: ${error.message}`)],
  ]);
}
