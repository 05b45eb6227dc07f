import { TASK_STATES } from '../../../core/task-state.js';
import { choice, count, text } from '../../framework/options.js';
import {
  type Call,
  type Report,
  StemCommand,
  StemSubCommand,
} from '../../framework/stem-command.js';
import { paintState } from '../../output/task.js';
import { relative } from '../../output/text.js';

const options = {
  state: choice('--state <state>', 'in this state', TASK_STATES),
  queue: text('-q, --queue <name>', 'in this queue'),
  name: text('--name <task>', 'of this name'),
  limit: count('--limit <n>', 'at most so many', { fallback: 20, max: 20_000 }),
  offset: count('--offset <n>', 'leave out so many first', { fallback: 0, max: 20_000 }),
};

@StemSubCommand({
  name: 'list',
  summary: 'Lists tasks, the latest first',
  details: 'It is for looking around: no more than 20,000 tasks are looked at.',
  options,
  examples: [
    ['task list --state running', 'what runs now, and where'],
    ['task list --queue reports --name report.render --json', 'for programs'],
  ],
})
export class StemTaskListCommand extends StemCommand<typeof options> {
  protected async execute({ options: given, session }: Call<typeof options>): Promise<Report> {
    const { state, queue, name, limit, offset } = given;
    const tasks = await (
      await session()
    ).stem.tasks.list({
      ...(state === undefined ? {} : { state }),
      ...(queue === undefined ? {} : { queue }),
      ...(name === undefined ? {} : { name }),
      limit,
      offset,
    });
    return {
      json: tasks,
      text: (page) =>
        page.table(
          tasks,
          [
            { head: 'ID', value: ({ id }) => id },
            { head: 'TASK', value: (task) => task.name, fit: 'cut' },
            {
              head: 'STATE',
              value: (task) => task.state,
              paint: (text, task) => paintState(page, text, task.state),
            },
            {
              head: 'SINCE',
              value: ({ finishedAt, notBefore, startedAt, enqueuedAt }) =>
                relative(finishedAt ?? notBefore ?? startedAt ?? enqueuedAt),
            },
            { head: 'QUEUE', value: (task) => task.queue, fit: 'cut' },
            { head: 'ATTEMPT', value: ({ attempt }) => attempt, align: 'right', fit: 'drop' },
            { head: 'WORKER', value: ({ worker }) => worker, fit: 'drop' },
          ],
          'No tasks.',
        ),
    };
  }
}
