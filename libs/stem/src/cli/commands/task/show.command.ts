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
  summary: 'Shows what is known of a task',
  examples: [['task show 0V1StGXR8Z5jdHi6B', 'state, arguments, times, result or error']],
})
export class StemTaskShowCommand extends StemCommand {
  protected async execute({ args: [id = ''], session }: Call): Promise<Report> {
    const status = await (await session()).stem.task(id).status();
    if (!status) {
      throw notFound(
        `No task '${id}' is known: a wrong id or namespace, or its retention has run out.`,
      );
    }
    return { json: status, text: (page) => describeTask(status, page) };
  }
}
