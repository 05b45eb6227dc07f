import { count } from '../../framework/options.js';
import {
  type Call,
  type Report,
  StemCommand,
  StemSubCommand,
} from '../../framework/stem-command.js';
import { roughly } from '../../output/text.js';
import { ADDRESS, addressOf, repliesReport } from './replies.js';

const options = {
  ...ADDRESS,
  limit: count('--limit <n>', 'at most so many tasks of each worker', {
    min: 1,
    max: 10_000,
    fallback: 100,
  }),
};

@StemSubCommand({
  name: 'inspect',
  summary: 'Asks workers for the tasks in their hands, the longest running first',
  options,
  examples: [['worker inspect --worker mailer', 'what one of them runs, and for how long']],
})
export class StemWorkerInspectCommand extends StemCommand<typeof options> {
  protected async execute({ options: given, session }: Call<typeof options>): Promise<Report> {
    const replies = await (
      await session()
    ).stem.workers.inspect({ ...addressOf(given), limit: given.limit });
    const report = repliesReport(replies, () => [
      { head: 'TASKS', value: ({ total }) => total, align: 'right' },
    ]);
    const tasks = replies.flatMap(({ worker, answer }) =>
      (answer?.tasks ?? []).map((task) => ({ ...task, worker })),
    );
    return {
      ...report,
      text: (page) => {
        const workers = report.text(page);
        if (tasks.length === 0) return workers;
        const table = page.table(
          tasks,
          [
            { head: 'ID', value: ({ id }) => id },
            { head: 'TASK', value: ({ name }) => name, fit: 'cut' },
            { head: 'STATE', value: ({ state }) => state },
            {
              head: 'FOR',
              value: ({ runningMs }) => (runningMs === undefined ? undefined : roughly(runningMs)),
              align: 'right',
            },
            { head: 'QUEUE', value: ({ queue }) => queue, fit: 'drop' },
            { head: 'WORKER', value: ({ worker }) => worker, fit: 'drop' },
          ],
          '',
        );
        return `${workers}\n\n${table}`;
      },
    };
  }
}
