import { notFound } from '../../framework/cli-error.js';
import {
  type Call,
  type Report,
  StemCommand,
  StemSubCommand,
} from '../../framework/stem-command.js';
import { describeTask } from '../../output/task.js';

@StemSubCommand({
  name: 'show',
  arguments: '<id>',
  summary: 'Shows a task that gave up: why, with its error and arguments',
  examples: [['dlq show 0V1StGXR8Z5jdHi6B', 'everything that is kept of it']],
})
export class StemDlqShowCommand extends StemCommand {
  protected async execute({ args: [id = ''], session }: Call): Promise<Report> {
    const letter = await (await session()).stem.deadLetters.get(id);
    if (!letter) {
      throw notFound(
        `No dead letter '${id}': \`stem task show ${id}\` tells whether the task is known.`,
      );
    }
    const { reason, priority, replays } = letter;
    return {
      json: letter,
      text: (page) =>
        describeTask(letter, page, [
          ['reason', reason],
          ['replays', String(replays)],
          ['priority', String(priority)],
        ]),
    };
  }
}
