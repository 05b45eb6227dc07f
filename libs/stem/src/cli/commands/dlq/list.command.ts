import { count } from '../../framework/options.js';
import {
  type Call,
  type Report,
  StemCommand,
  StemSubCommand,
} from '../../framework/stem-command.js';
import { deadLetterTable } from '../../output/dead-letter.js';
import { FILTER, filterOf } from './selection.js';

const options = {
  ...FILTER,
  limit: count('--limit <n>', 'at most so many, the newest first', {
    fallback: 20,
    max: 1_000_000,
  }),
  offset: count('--offset <n>', 'leave out so many first', { fallback: 0, max: 1_000_000 }),
};

@StemSubCommand({
  name: 'list',
  summary: 'Lists tasks that gave up, newest first',
  options,
  examples: [
    ['dlq list --queue default', 'the last 20 of a queue'],
    ['dlq list --since 2h --reason retries-exhausted', 'of the last two hours'],
  ],
})
export class StemDlqListCommand extends StemCommand<typeof options> {
  protected async execute({ options: given, session }: Call<typeof options>): Promise<Report> {
    const { queue, limit, offset } = given;
    const letters = await (
      await session()
    ).stem.deadLetters.list({
      ...filterOf(given),
      ...(queue === undefined ? {} : { queue }),
      limit,
      offset,
    });
    return { json: letters, text: (page) => deadLetterTable(letters, page) };
  }
}
