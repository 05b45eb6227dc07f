import { isTerminal } from '../../../core/task-state.js';
import { CliError, notFound } from '../../framework/cli-error.js';
import { duration, flag } from '../../framework/options.js';
import {
  type Call,
  type Report,
  StemCommand,
  StemSubCommand,
} from '../../framework/stem-command.js';
import { EXIT } from '../../exit-codes.js';
import { pretty } from '../../output/text.js';
import { resultOf } from './result-of.js';

const options = {
  wait: flag('--wait', 'wait until the task has ended'),
  timeout: duration('--timeout <duration>', 'longest time to wait; implies --wait'),
};

@StemSubCommand({
  name: 'result',
  arguments: '<id>',
  summary: 'Prints what a task returned',
  details:
    'Ends with 1 when the task has failed, was cancelled, has expired, or has not ended yet.',
  options,
  examples: [
    ['task result 0V1StGXR8Z5jdHi6B', 'the result, if it is there'],
    ['task result 0V1StGXR8Z5jdHi6B --wait --timeout 30s', 'waits for it'],
  ],
})
export class StemTaskResultCommand extends StemCommand<typeof options> {
  protected async execute({
    args: [id = ''],
    options: given,
    session,
  }: Call<typeof options>): Promise<Report> {
    const { wait, timeout } = given;
    const task = (await session()).stem.task(id);
    if (!wait && timeout === undefined) {
      const status = await task.status();
      if (!status) {
        throw notFound(
          `No task '${id}' is known: a wrong id or namespace, or its retention has run out.`,
        );
      }
      if (!isTerminal(status.state)) {
        throw new CliError(`Task '${id}' is ${status.state}: add --wait to wait for its end.`, {
          exitCode: EXIT.negative,
          code: 'CLI_NOT_ENDED',
        });
      }
    }
    const result = await resultOf(task, timeout);
    return { json: { id, result: result ?? null }, text: () => pretty(result) ?? '' };
  }
}
