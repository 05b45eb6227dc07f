import { previewSpec } from '../../../client/schedules.js';
import { notFound, usageError } from '../../framework/cli-error.js';
import { count, text, time } from '../../framework/options.js';
import {
  type Call,
  type Report,
  StemCommand,
  StemSubCommand,
} from '../../framework/stem-command.js';
import { relative } from '../../output/text.js';
import { specOf } from './definition.js';

const options = {
  id: text('--id <id>', 'of a schedule that is there'),
  spec: text('--spec <spec>', "when: '0 2 * * *', every:5m, or another form as JSON"),
  timezone: text('--timezone <zone>', 'of a cron expression, such as Europe/Berlin'),
  count: count('--count <n>', 'how many ticks', { min: 1, max: 1_000, fallback: 5 }),
  from: time('--from <time>', 'ticks after this time'),
};

@StemSubCommand({
  name: 'preview',
  summary: 'Shows the next ticks of a schedule or of a spec, in its zone and in UTC',
  details: 'A spec needs no connection.',
  options,
  examples: [
    ['schedule preview --id cleanup', 'of a schedule'],
    ['schedule preview --spec "0 2 * * *" --timezone Europe/Berlin --count 3', 'of a spec'],
  ],
})
export class StemSchedulePreviewCommand extends StemCommand<typeof options> {
  protected async execute({ options: given, session }: Call<typeof options>): Promise<Report> {
    const { id, spec } = given;
    if ((id === undefined) === (spec === undefined)) {
      throw usageError('Of what? Give either --id or --spec.');
    }
    let ticks: Date[];
    let timezone = given.timezone;
    if (id === undefined) {
      const { count, from = new Date(), timezone } = given;
      ticks = previewSpec(specOf(spec as string), { count, from, timezone });
    } else {
      const { schedules } = (await session()).stem;
      const schedule = await schedules.get(id);
      if (!schedule)
        throw notFound(`No schedule '${id}': \`stem schedule list\` shows those there are.`);
      timezone = schedule.timezone;
      ticks = await schedules.preview(
        { id },
        { count: given.count, ...(given.from === undefined ? {} : { from: given.from }) },
      );
    }
    const zone = timezone ?? 'UTC';
    return {
      json: {
        timezone: zone,
        ticks: ticks.map((tick) => ({ utc: tick, local: local(tick, zone) })),
      },
      text: (page) =>
        page.table(
          ticks,
          [
            { head: zone.toUpperCase(), value: (tick) => local(tick, zone) },
            { head: 'UTC', value: (tick) => tick.toISOString().replace('.000Z', 'Z') },
            { head: 'WHEN', value: (tick) => relative(tick), fit: 'drop' },
          ],
          'No tick is left.',
        ),
    };
  }
}

/** `2026-12-24 18:00:00 GMT+1`. */
function local(date: Date, timeZone: string): string {
  const parts = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    ...({ year: 'numeric', month: '2-digit', day: '2-digit' } as const),
    ...({ hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' } as const),
    timeZoneName: 'shortOffset',
  }).formatToParts(date);
  const part = (type: Intl.DateTimeFormatPartTypes): string =>
    parts.find((each) => each.type === type)?.value ?? '';
  return (
    `${part('year')}-${part('month')}-${part('day')} ` +
    `${part('hour')}:${part('minute')}:${part('second')} ${part('timeZoneName')}`
  );
}
