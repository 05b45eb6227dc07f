import { CONFIRMATION, requireConfirmation } from '../../framework/confirmation.js';
import {
  type Call,
  type Report,
  StemCommand,
  StemSubCommand,
} from '../../framework/stem-command.js';
import { createProgress } from '../../output/progress.js';
import { plural } from '../../output/text.js';
import { describeSelection, SELECTION, selectionOf } from './selection.js';

const options = { ...SELECTION, ...CONFIRMATION };

@StemSubCommand({
  name: 'purge',
  summary: 'Deletes tasks that gave up, for good',
  options,
  examples: [
    ['dlq purge --queue default --dry-run', 'how many it would be'],
    ['dlq purge --queue default --reason unknown-task --yes', 'those that nobody can run'],
  ],
})
export class StemDlqPurgeCommand extends StemCommand<typeof options> {
  protected async execute({
    options: given,
    globals,
    session,
  }: Call<typeof options>): Promise<Report> {
    const selection = selectionOf(given);
    requireConfirmation(given, `delete ${describeSelection(selection)} for good`);
    const { dryRun } = given;
    const { deadLetters } = (await session()).stem;
    const progress = await createProgress('deleting', globals.json);
    const watched = {
      ...selection,
      onProgress: ({ done, total }: { done: number; total: number }) =>
        progress.update(done, total),
    };
    const count = dryRun
      ? deadLetters.replay({ ...watched, dryRun }).then(({ replayed }) => replayed.length)
      : deadLetters.purge(watched);
    const purged = await count.finally(() => progress.stop());
    return {
      json: { purged, dryRun },
      text: () => `${plural(purged, 'dead letter')} ${dryRun ? 'would be deleted' : 'deleted'}`,
    };
  }
}
