import { flag } from '../../framework/options.js';
import { type Call, StemCommand, StemSubCommand } from '../../framework/stem-command.js';
import { narrateTicks } from '../../output/narrator.js';

const options = { quiet: flag('--quiet', 'no log line for each tick') };

@StemSubCommand({
  name: 'start',
  summary: 'Carries schedules out in this process, and runs no tasks',
  details:
    'The schedules in the code of the application are declared first. Any number of Beats is safe: each\n' +
    'tick becomes one task. SIGTERM and SIGINT end it with 0.',
  options,
  examples: [['beat start --app dist/app.module.js', 'as the application says']],
})
export class StemBeatStartCommand extends StemCommand<typeof options> {
  protected async execute({ options: given, globals }: Call<typeof options>): Promise<void> {
    const { runApp } = await import('../../session/run-app.js');
    await runApp(globals, {
      worker: false,
      beat: true,
      grace: undefined,
      narrate: (signals, log) => {
        if (!given.quiet) narrateTicks(signals, log);
      },
    });
  }
}
