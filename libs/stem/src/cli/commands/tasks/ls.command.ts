import { formatDuration } from '../../../core/duration.js';
import { loadApp } from '../../session/load-app.js';
import { QUIET } from '../../session/app-session.js';
import {
  type Call,
  type Report,
  StemCommand,
  StemSubCommand,
} from '../../framework/stem-command.js';

@StemSubCommand({
  name: 'ls',
  summary: 'Lists the tasks that an application defines',
  details: 'The application is booted without worker and Beat, and connects to no broker.',
  examples: [['tasks ls --app dist/app.module.js', 'names, queues, retries, limits']],
})
export class StemTasksLsCommand extends StemCommand {
  protected async execute({ globals }: Call): Promise<Report> {
    const { app, runtime } = await loadApp(globals, {
      worker: false,
      beat: false,
      connect: false,
      logger: () => QUIET,
    });
    const { registry, config } = runtime;
    const tasks = registry
      .list()
      .map(({ name, options, place, invoke }) => ({
        name,
        queue: options.queue ?? config.defaultQueue,
        maxRetries: options.maxRetries ?? config.defaultMaxRetries,
        priority: options.priority,
        softTimeLimitMs: options.softTimeLimitMs,
        hardTimeLimitMs: options.hardTimeLimitMs,
        isolate: options.isolate,
        handledHere: invoke !== undefined,
        description: options.description,
        place,
      }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
    await app.close();
    const limit = (ms: number | undefined): string => (ms === undefined ? '-' : formatDuration(ms));
    return {
      json: tasks,
      text: (page) =>
        page.table(
          tasks,
          [
            { head: 'TASK', value: ({ name }) => name },
            { head: 'QUEUE', value: ({ queue }) => queue, fit: 'cut' },
            { head: 'RETRIES', value: ({ maxRetries }) => maxRetries, align: 'right' },
            { head: 'HANDLER', value: ({ place }) => place, fit: 'cut' },
            {
              head: 'LIMITS',
              value: ({ softTimeLimitMs, hardTimeLimitMs }) =>
                `${limit(softTimeLimitMs)}/${limit(hardTimeLimitMs)}`,
              fit: 'drop',
            },
            { head: 'DESCRIPTION', value: ({ description }) => description, fit: 'drop' },
          ],
          'This application defines no tasks.',
        ),
    };
  }
}
