import {
  type Call,
  type Report,
  StemCommand,
  StemSubCommand,
} from '../../framework/stem-command.js';
import { describeSchedule } from '../../output/schedule.js';

@StemSubCommand({
  name: 'enable',
  arguments: '<id>',
  summary: 'Carries out ticks of a schedule again, from now on',
  examples: [['schedule enable cleanup', 'and shows it']],
})
export class StemScheduleEnableCommand extends StemCommand {
  protected async execute({ args: [id = ''], session }: Call): Promise<Report> {
    const schedule = await (await session()).stem.schedules.resume(id);
    return { json: schedule, text: (page) => describeSchedule(schedule, page) };
  }
}
