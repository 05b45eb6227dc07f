import { notFound } from '../../framework/cli-error.js';
import {
  type Call,
  type Report,
  StemCommand,
  StemSubCommand,
} from '../../framework/stem-command.js';
import { describeSchedule } from '../../output/schedule.js';

@StemSubCommand({
  name: 'show',
  arguments: '<id>',
  summary: 'Shows a schedule with its history',
  examples: [['schedule show cleanup', 'spec, next run, last run, counts, last error']],
})
export class StemScheduleShowCommand extends StemCommand {
  protected async execute({ args: [id = ''], session }: Call): Promise<Report> {
    const schedule = await (await session()).stem.schedules.get(id);
    if (!schedule)
      throw notFound(`No schedule '${id}': \`stem schedule list\` shows those there are.`);
    return { json: schedule, text: (page) => describeSchedule(schedule, page) };
  }
}
