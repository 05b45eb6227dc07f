import { EVENT_TYPES } from '../../../broker/monitor-store.js';
import type { StemEvent } from '../../../client/events.js';
import { choice, count, flag, text, type ValuesOf } from '../../framework/options.js';
import {
  type Call,
  type Report,
  StemCommand,
  StemSubCommand,
} from '../../framework/stem-command.js';
import type { Page } from '../../output/page.js';
import type { Style } from '../../output/paint.js';
import { roughly, visible } from '../../output/text.js';

const options = {
  follow: flag('-f, --follow', 'print events as they come, until Ctrl-C'),
  after: text('--after <cursor>', 'only events after this one; 0 for all that are kept'),
  limit: count('--limit <n>', 'at most so many; not with --follow', {
    min: 1,
    max: 10_000,
    fallback: 50,
  }),
  type: choice('--type <type>', 'only of this type', EVENT_TYPES),
  task: text('--task <name>', 'only of this task'),
  queue: text('-q, --queue <name>', 'only of this queue'),
};

@StemSubCommand({
  name: 'events',
  summary: 'Shows what happens to tasks, workers and schedules in all processes',
  details: 'With --follow and --json, each line is one event.',
  options,
  examples: [
    ['observe events --follow', 'live'],
    ['observe events --type task-failed --limit 1000', 'what failed among the latest'],
  ],
})
export class StemObserveEventsCommand extends StemCommand<typeof options> {
  protected async execute(call: Call<typeof options>): Promise<Report | void> {
    const { options: given } = call;
    const { stem } = await call.session();
    const after = given.after === undefined ? {} : { after: given.after };
    if (!given.follow) {
      const events = await stem.events.read({ ...after, limit: given.limit });
      const shown = events.filter((event) => matches(event, given));
      return {
        json: shown,
        text: (page) =>
          shown.length === 0
            ? page.paint('dim', 'No events.')
            : shown.map((event) => lineOf(event, page)).join('\n'),
      };
    }
    for await (const event of stem.events.follow({ ...after, signal: call.interrupted() })) {
      if (!matches(event, given)) continue;
      await call.say({ json: event, text: (page) => lineOf(event, page) });
    }
  }
}

function matches({ type, task }: StemEvent, given: ValuesOf<typeof options>): boolean {
  return (
    (given.type === undefined || type === given.type) &&
    (given.task === undefined || task?.name === given.task) &&
    (given.queue === undefined || task?.queue === given.queue)
  );
}

const STYLES: Readonly<Partial<Record<StemEvent['type'], Style>>> = {
  'task-succeeded': 'green',
  'task-failed': 'red',
  'task-lease-lost': 'red',
  'task-retried': 'yellow',
  'worker-offline': 'yellow',
  'beat-offline': 'yellow',
};

function lineOf(event: StemEvent, page: Page): string {
  const { at, type, task, worker, durationMs, reason, schedule, count: left } = event;
  const subject = [
    ...(schedule ? [schedule.id] : []),
    ...(task ? [task.name, task.id] : worker === undefined ? [] : [worker]),
    ...(left === undefined ? [] : [`${left} events`]),
  ].join(' ');
  return [
    page.paint('dim', at.toISOString()),
    page.paint(STYLES[type] ?? 'cyan', type.padEnd(19)),
    visible(subject),
    ...(task && task.attempt > 0 ? [`attempt ${task.attempt}`] : []),
    ...(durationMs === undefined ? [] : [roughly(durationMs)]),
    ...(task && worker !== undefined ? [page.paint('dim', visible(worker))] : []),
    ...(reason === undefined ? [] : [visible(reason)]),
  ].join('  ');
}
