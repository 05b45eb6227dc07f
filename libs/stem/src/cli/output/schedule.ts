import type { Schedule } from '../../client/schedules.js';
import { formatDuration } from '../../core/duration.js';
import type { Page } from './page.js';
import { moment, pretty, relative } from './text.js';

const STYLES = { active: 'green', paused: 'yellow', finished: 'dim', failing: 'red' } as const;

/** Schedules as a table. */
export const scheduleTable = (schedules: readonly Schedule[], page: Page): string =>
  page.table(
    schedules,
    [
      { head: 'ID', value: ({ id }) => id },
      { head: 'TASK', value: ({ task }) => task, fit: 'cut' },
      { head: 'SPEC', value: ({ description }) => description, fit: 'cut' },
      {
        head: 'STATE',
        value: ({ state }) => state,
        paint: (text, { state }) => page.paint(STYLES[state], text),
      },
      { head: 'NEXT', value: ({ nextRunAt }) => relative(nextRunAt) },
      { head: 'LAST', value: ({ lastRunAt }) => relative(lastRunAt), fit: 'drop' },
      { head: 'RUNS', value: ({ runs }) => runs, align: 'right', fit: 'drop' },
      { head: 'FAILURES', value: ({ failures }) => failures, align: 'right', fit: 'drop' },
      { head: 'ORIGIN', value: ({ origin }) => origin, fit: 'drop' },
    ],
    'No schedules.',
  );

/** Everything that is known of a schedule, as lines of names and values. */
export function describeSchedule(schedule: Schedule, page: Page): string {
  const { lastError, lastTaskId, lastRunState, state } = schedule;
  const duration = (ms: number | undefined): string | undefined =>
    ms === undefined || ms === 0 ? undefined : formatDuration(ms);
  return page.details([
    ['id', schedule.id],
    ['task', schedule.task],
    ['spec', schedule.description],
    ['timezone', schedule.timezone],
    ['state', page.paint(STYLES[state], state)],
    ['origin', schedule.origin],
    ['next', moment(schedule.nextRunAt)],
    ['last', moment(schedule.lastRunAt)],
    ['last task', lastTaskId && `${lastTaskId} (${lastRunState ?? 'nothing kept of it'})`],
    ['last drift', schedule.lastDriftMs === undefined ? undefined : `${schedule.lastDriftMs} ms`],
    ['runs', String(schedule.runs)],
    ['failures', String(schedule.failures)],
    ['skipped', String(schedule.skipped)],
    ['missed', String(schedule.missed)],
    ['error', lastError && `${lastError.message} (${moment(lastError.at)})`],
    ['queue', schedule.queue],
    ['priority', schedule.priority === undefined ? undefined : String(schedule.priority)],
    ['retries', schedule.maxRetries === undefined ? undefined : String(schedule.maxRetries)],
    ['expires', duration(schedule.expires)],
    ['jitter', duration(schedule.jitter)],
    ['misfire', `${schedule.misfire}, after ${formatDuration(schedule.grace)}`],
    ['overlap', schedule.overlap],
    ['starts', moment(schedule.startAt)],
    ['ends', moment(schedule.endAt)],
    ['headers', pretty(schedule.headers)],
    ['meta', pretty(schedule.meta)],
    ['args', pretty(schedule.args)],
  ]);
}
