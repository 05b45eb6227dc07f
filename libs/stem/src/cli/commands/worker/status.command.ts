import { EXIT } from '../../exit-codes.js';
import { duration, flag, texts } from '../../framework/options.js';
import {
  type Call,
  type Report,
  StemCommand,
  StemSubCommand,
} from '../../framework/stem-command.js';
import { watch } from '../../framework/watch.js';
import { conditionOf, workerTable } from '../../output/worker.js';

const options = {
  worker: texts('-w, --worker <id>', 'only this worker, by id or name'),
  follow: flag('-f, --follow', 'look again and again, until Ctrl-C'),
  interval: duration('--interval <duration>', 'time between two looks', '2s'),
};

@StemSubCommand({
  name: 'status',
  summary: 'Shows workers as their last heartbeats described them',
  details:
    'It asks no worker, so it also shows those that do not answer any more. Ends with 1 when there is\n' +
    'none, or when one is silent or unhealthy.',
  options,
  examples: [
    ['worker status', 'once'],
    ['worker status --follow', 'drawn anew every two seconds'],
  ],
})
export class StemWorkerStatusCommand extends StemCommand<typeof options> {
  protected async execute(call: Call<typeof options>): Promise<Report | void> {
    const { worker: wanted, follow, interval } = call.options;
    const { workers } = (await call.session()).stem;
    return watch({ ...call, options: { watch: follow, interval } }, async () => {
      const all = await workers.list();
      const shown = all.filter(
        ({ id, name }) => wanted.length === 0 || wanted.includes(id) || wanted.includes(name),
      );
      const isWell =
        shown.length > 0 &&
        shown.every((worker) => !['silent', 'unhealthy'].includes(conditionOf(worker)));
      return {
        json: shown,
        text: (page) => workerTable(shown, page),
        exitCode: isWell ? EXIT.done : EXIT.negative,
      };
    });
  }
}
