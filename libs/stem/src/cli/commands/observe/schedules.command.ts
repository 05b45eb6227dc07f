import {
  type Call,
  type Report,
  StemCommand,
  StemSubCommand,
} from '../../framework/stem-command.js';
import { WATCH, watch } from '../../framework/watch.js';
import { scheduleTable } from '../../output/schedule.js';

@StemSubCommand({
  name: 'schedules',
  summary: 'Shows schedules with their next and last runs',
  options: WATCH,
  examples: [['observe schedules --watch', 'drawn anew every two seconds']],
})
export class StemObserveSchedulesCommand extends StemCommand<typeof WATCH> {
  protected async execute(call: Call<typeof WATCH>): Promise<Report | void> {
    const { stem } = await call.session();
    return watch(call, async () => {
      const schedules = await stem.schedules.list();
      return { json: schedules, text: (page) => scheduleTable(schedules, page) };
    });
  }
}
