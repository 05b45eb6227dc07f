import {
  type Call,
  type Report,
  StemCommand,
  StemSubCommand,
} from '../../framework/stem-command.js';
import { scheduleTable } from '../../output/schedule.js';

@StemSubCommand({
  name: 'list',
  summary: 'Lists schedules',
  examples: [['schedule list', 'every schedule, with its next and last run']],
})
export class StemScheduleListCommand extends StemCommand {
  protected async execute({ session }: Call): Promise<Report> {
    const schedules = await (await session()).stem.schedules.list();
    return { json: schedules, text: (page) => scheduleTable(schedules, page) };
  }
}
