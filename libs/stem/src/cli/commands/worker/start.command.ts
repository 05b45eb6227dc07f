import type { WorkerOptions } from '../../../config/stem-options.js';
import { count, duration, flag, text, texts, type ValuesOf } from '../../framework/options.js';
import { type Call, StemCommand, StemSubCommand } from '../../framework/stem-command.js';
import { narrateTasks } from '../../output/narrator.js';

const options = {
  queue: texts('-q, --queue <name>', 'take tasks from this queue'),
  concurrency: count('-c, --concurrency <n>', 'handlers that run at the same time', {
    min: 1,
    max: 10_000,
  }),
  name: text('--name <name>', 'of the worker, for people'),
  grace: duration('--grace <duration>', 'how long running tasks may take to end on SIGTERM'),
  quiet: flag('--quiet', 'no log line for each task'),
};

@StemSubCommand({
  name: 'start',
  summary: 'Runs the tasks of an application in this process, and nothing else of it',
  details:
    'The options of its StemModule apply; what is given here counts more. SIGTERM and SIGINT let running\n' +
    'tasks end and exit with 0; a second one ends at once.',
  options,
  examples: [
    ['worker start --app dist/app.module.js', 'as the application says'],
    [
      'worker start --app dist/app.module.js -q mail -q reports -c 20',
      'these queues, 20 at a time',
    ],
  ],
})
export class StemWorkerStartCommand extends StemCommand<typeof options> {
  protected async execute({ options: given, globals }: Call<typeof options>): Promise<void> {
    const { runApp } = await import('../../session/run-app.js');
    await runApp(globals, {
      worker: true,
      beat: false,
      workerOptions: workerOptionsOf(given),
      grace: given.grace,
      narrate: (signals, log) => {
        if (!given.quiet) narrateTasks(signals, log);
      },
    });
  }
}

function workerOptionsOf({ queue, concurrency, name }: ValuesOf<typeof options>): WorkerOptions {
  return {
    ...(queue.length === 0 ? {} : { queues: queue }),
    ...(concurrency === undefined ? {} : { concurrency }),
    ...(name === undefined ? {} : { name }),
  };
}
