import { CONFIRMATION, requireConfirmation } from '../../framework/confirmation.js';
import { notFound } from '../../framework/cli-error.js';
import {
  type Call,
  type Report,
  StemCommand,
  StemSubCommand,
} from '../../framework/stem-command.js';

@StemSubCommand({
  name: 'remove',
  arguments: '<id>',
  summary: 'Removes a schedule with its history',
  details:
    'One that is defined in the code comes back with the next start of that code: disable it instead.',
  options: CONFIRMATION,
  examples: [['schedule remove cleanup --yes', 'tasks it has enqueued stay']],
})
export class StemScheduleRemoveCommand extends StemCommand<typeof CONFIRMATION> {
  protected async execute({
    args: [id = ''],
    options,
    session,
  }: Call<typeof CONFIRMATION>): Promise<Report> {
    requireConfirmation(options, `remove schedule '${id}' with its history`);
    const { dryRun } = options;
    const { schedules } = (await session()).stem;
    const isThere = dryRun ? (await schedules.get(id)) !== undefined : await schedules.remove(id);
    if (!isThere)
      throw notFound(`No schedule '${id}': \`stem schedule list\` shows those there are.`);
    return {
      json: { id, removed: !dryRun, dryRun },
      text: () => `${id}  ${dryRun ? 'would be removed' : 'removed'}`,
    };
  }
}
