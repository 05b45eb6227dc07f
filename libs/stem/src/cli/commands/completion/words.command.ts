import type { Command } from '../../framework/commander.js';
import { GLOBAL_OPTIONS } from '../../framework/global-options.js';
import {
  type Call,
  type Report,
  StemCommand,
  StemSubCommand,
} from '../../framework/stem-command.js';

@StemSubCommand({
  name: 'completion-words',
  arguments: '[words...]',
  summary: 'Prints what may follow words on the command line; for the scripts of `completion`',
  hidden: true,
  examples: [['completion-words -- task', 'names of commands and options']],
})
export class StemCompletionWordsCommand extends StemCommand {
  protected execute({ args }: Call): Promise<Report> {
    let command: Command = this.command.parent ?? this.command;
    for (const word of args) {
      command = command.commands.find((each) => each.name() === word) ?? command;
    }
    const words = wordsAfter(command, args.at(-1) ?? '');
    return Promise.resolve({ json: words, text: () => words.join('\n') });
  }
}

/** Values where the word before wants one of a few; none where it wants any other; else names. */
function wordsAfter(command: Command, last: string): string[] {
  const option = command.options.find(
    ({ long, short }) => last !== '' && [long, short].includes(last),
  );
  if (option && (option.required || option.optional)) return option.argChoices ?? [];
  if (Object.values(GLOBAL_OPTIONS).some(({ flags }) => flags.startsWith(`${last} <`))) return [];
  const hidden = (each: Command): boolean => (each as unknown as { _hidden: boolean })._hidden;
  return [
    ...command.commands.filter((each) => !hidden(each)).map((each) => each.name()),
    ...command.options.map(({ long, short }) => long ?? short ?? ''),
    '--help',
  ];
}
