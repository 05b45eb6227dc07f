import {
  type Call,
  type Report,
  StemCommand,
  StemSubCommand,
} from '../../framework/stem-command.js';

@StemSubCommand({
  name: 'run',
  arguments: '<id>',
  summary: 'Enqueues the task of a schedule now, beside its ticks',
  examples: [['schedule run cleanup', 'prints the id of the task']],
})
export class StemScheduleRunCommand extends StemCommand {
  protected async execute({ args: [id = ''], session }: Call): Promise<Report> {
    const task = await (await session()).stem.schedules.runNow(id);
    return { json: { id, taskId: task.id }, text: () => task.id };
  }
}
