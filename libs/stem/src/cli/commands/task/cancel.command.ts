import { EXIT } from '../../exit-codes.js';
import { flag, text } from '../../framework/options.js';
import {
  type Call,
  type Report,
  StemCommand,
  StemSubCommand,
} from '../../framework/stem-command.js';

const options = {
  reason: text('--reason <text>', 'shown to whoever waits for the task'),
  terminate: flag('--terminate', 'an isolated handler may be killed'),
};

const MEANINGS = {
  cancelled: 'cancelled',
  requested: 'runs; its worker was asked to stop it',
  ended: 'had ended already',
  'not-found': 'is not known',
} as const;

@StemSubCommand({
  name: 'cancel',
  arguments: '<ids...>',
  summary: 'Ends waiting tasks, and asks running ones to stop',
  details: 'Ends with 1 when one of them is not known or had ended already.',
  options,
  examples: [['task cancel 0V1StGXR8Z5jdHi6B --reason "wrong recipient"', 'one task']],
})
export class StemTaskCancelCommand extends StemCommand<typeof options> {
  protected async execute({
    args,
    options: given,
    session,
  }: Call<typeof options>): Promise<Report> {
    const { reason, terminate } = given;
    const { stem } = await session();
    const outcomes = await Promise.all(
      args.map(async (id) => ({
        id,
        outcome: await stem.cancel(id, { terminate, ...(reason === undefined ? {} : { reason }) }),
      })),
    );
    const all = outcomes.every(({ outcome }) => outcome === 'cancelled' || outcome === 'requested');
    return {
      json: outcomes,
      text: () => outcomes.map(({ id, outcome }) => `${id}  ${MEANINGS[outcome]}`).join('\n'),
      exitCode: all ? EXIT.done : EXIT.negative,
    };
  }
}
