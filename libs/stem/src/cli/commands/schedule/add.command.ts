import { usageError } from '../../framework/cli-error.js';
import {
  choice,
  count,
  duration,
  flag,
  json,
  jsonPairs,
  pairs,
  requiredText,
  text,
} from '../../framework/options.js';
import {
  type Call,
  type Report,
  StemCommand,
  StemSubCommand,
} from '../../framework/stem-command.js';
import { describeSchedule } from '../../output/schedule.js';
import { definitionOf, specOf } from './definition.js';

const options = {
  id: requiredText('--id <id>', 'names the schedule'),
  task: requiredText('--task <name>', 'what each tick enqueues'),
  spec: requiredText('--spec <spec>', "when: '0 2 * * *', every:5m, or another form as JSON"),
  timezone: text('--timezone <zone>', 'of a cron expression, such as Europe/Berlin'),
  args: json('--args <json>', 'what the handler gets'),
  arg: jsonPairs('--arg <key=value>', 'one argument; a value that is JSON counts as what it says'),
  queue: text('-q, --queue <name>', "instead of the task's own"),
  priority: count('--priority <n>', '0 to 9, 9 first', { max: 9 }),
  maxRetries: count('--max-retries <n>', 'tries after the first'),
  expires: duration('--expires <duration>', 'a task that waits this long is not run any more'),
  header: pairs('--header <key=value>', 'a text that travels with its tasks'),
  jitter: duration('--jitter <duration>', 'each tick is put off by a share of this'),
  misfire: choice('--misfire <policy>', 'what happens to ticks that are late', [
    'skip',
    'once',
    'all',
  ]),
  grace: duration('--grace <duration>', 'how late a tick may be and still be on time'),
  overlap: choice('--overlap <policy>', 'whether a tick waits for no run before', [
    'allow',
    'skip',
  ]),
  startAt: text('--start-at <time>', 'no tick before'),
  endAt: text('--end-at <time>', 'no tick after'),
  description: text('--description <text>', 'for people'),
  disabled: flag('--disabled', 'carry out no ticks until it is enabled'),
  replace: flag('--replace', 'one of this id may be there already'),
};

@StemSubCommand({
  name: 'add',
  summary: 'Adds a schedule',
  options,
  examples: [
    ['schedule add --id cleanup --task maintenance.cleanup --spec "0 2 * * *"', 'each night, UTC'],
    [
      'schedule add --id poll --task feed.poll --spec every:5m --arg feed=news --jitter 30s',
      'every five minutes',
    ],
  ],
})
export class StemScheduleAddCommand extends StemCommand<typeof options> {
  protected async execute({ options: given, session }: Call<typeof options>): Promise<Report> {
    const { arg, args, header, disabled, replace, spec, ...rest } = given;
    const hasArg = Object.keys(arg).length > 0;
    if (hasArg && args !== undefined) throw usageError('Give either --args or --arg.');
    const definition = definitionOf({
      ...rest,
      spec: specOf(spec),
      args: hasArg ? arg : args,
      headers: Object.keys(header).length > 0 ? header : undefined,
      enabled: disabled ? false : undefined,
    });
    const { schedules } = (await session()).stem;
    if (!replace && (await schedules.get(given.id))) {
      throw usageError(`A schedule '${given.id}' is there already. Add --replace to replace it.`);
    }
    const schedule = await schedules.upsert(definition);
    return { json: schedule, text: (page) => describeSchedule(schedule, page) };
  }
}
