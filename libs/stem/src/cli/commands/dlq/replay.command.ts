import { EXIT } from '../../exit-codes.js';
import { CONFIRMATION, requireConfirmation } from '../../framework/confirmation.js';
import { duration } from '../../framework/options.js';
import {
  type Call,
  type Report,
  StemCommand,
  StemSubCommand,
} from '../../framework/stem-command.js';
import { createProgress } from '../../output/progress.js';
import { plural } from '../../output/text.js';
import { describeSelection, SELECTION, selectionOf } from './selection.js';

const options = {
  ...SELECTION,
  delay: duration('--delay <duration>', 'run them this long from now'),
  ...CONFIRMATION,
};

@StemSubCommand({
  name: 'replay',
  summary: 'Starts tasks that gave up over',
  details:
    'They keep ids, arguments and headers; their attempts begin again, and their replays are counted.\n' +
    'They go in batches, each for itself: one that was interrupted may be called again.',
  options,
  examples: [
    ['dlq replay --queue default --limit 5 --dry-run', 'which it would be'],
    ['dlq replay --queue default --task email.send --yes', 'all of one task'],
    ['dlq replay --id 0V1StGXR8Z5jdHi6B --delay 5m --yes', 'one, in five minutes'],
  ],
})
export class StemDlqReplayCommand extends StemCommand<typeof options> {
  protected async execute({
    options: given,
    globals,
    session,
  }: Call<typeof options>): Promise<Report> {
    const selection = selectionOf(given);
    requireConfirmation(given, `start ${describeSelection(selection)} over`);
    const { dryRun, delay } = given;
    const { stem } = await session();
    const progress = await createProgress('replaying', globals.json);
    const { replayed, skipped } = await stem.deadLetters
      .replay({
        ...selection,
        dryRun,
        ...(delay === undefined ? {} : { delay }),
        onProgress: ({ done, total }) => progress.update(done, total),
      })
      .finally(() => progress.stop());
    const nothing = selection.ids !== undefined && replayed.length === 0;
    return {
      json: { replayed, skipped, dryRun },
      text: () =>
        [
          ...(dryRun ? replayed : []),
          `${plural(replayed.length, 'task')} ${dryRun ? 'would be started over' : 'started over'}` +
            (skipped.length === 0 ? '' : `; no dead letters (any more): ${skipped.join(', ')}`),
        ].join('\n'),
      exitCode: nothing ? EXIT.negative : EXIT.done,
    };
  }
}
