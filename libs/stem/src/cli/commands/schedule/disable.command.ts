import {
  type Call,
  type Report,
  StemCommand,
  StemSubCommand,
} from '../../framework/stem-command.js';
import { describeSchedule } from '../../output/schedule.js';

@StemSubCommand({
  name: 'disable',
  arguments: '<id>',
  summary: 'Carries out no more ticks of a schedule, whatever deploys say',
  examples: [['schedule disable cleanup', 'and shows it']],
})
export class StemScheduleDisableCommand extends StemCommand {
  protected async execute({ args: [id = ''], session }: Call): Promise<Report> {
    const schedule = await (await session()).stem.schedules.pause(id);
    return { json: schedule, text: (page) => describeSchedule(schedule, page) };
  }
}
