import { CONFIRMATION, requireConfirmation } from '../../framework/confirmation.js';
import { flag, requiredText } from '../../framework/options.js';
import {
  type Call,
  type Report,
  StemCommand,
  StemSubCommand,
} from '../../framework/stem-command.js';
import type { Page } from '../../output/page.js';
import { compact, plural } from '../../output/text.js';
import { type Change, planChanges, readSchedules } from './plan.js';

const options = {
  file: requiredText('-f, --file <file>', 'YAML or JSON: a list of schedules'),
  prune: flag('--prune', 'remove schedules of operators that are not in the file'),
  ...CONFIRMATION,
};

@StemSubCommand({
  name: 'apply',
  summary: 'Makes schedules as a file says',
  details:
    'The file holds a list of `{ id, task, spec, … }`, as `stem.schedules.upsert` takes them. All of them\n' +
    'are checked before the first is changed; --dry-run prints the difference.',
  options,
  examples: [
    ['schedule apply --file schedules.yaml --dry-run', 'what would change'],
    ['schedule apply --file schedules.yaml --yes', 'and does it'],
  ],
})
export class StemScheduleApplyCommand extends StemCommand<typeof options> {
  protected async execute({ options: given, session }: Call<typeof options>): Promise<Report> {
    requireConfirmation(given, `make schedules as ${given.file} says`);
    const { prune, dryRun } = given;
    const wanted = await readSchedules(given.file);
    const { schedules } = (await session()).stem;
    const changes = planChanges(wanted, await schedules.list(), prune);
    if (!dryRun) {
      for (const { id, action, definition } of changes) {
        if (action === 'remove') await schedules.remove(id);
        else if (action !== 'keep' && definition) await schedules.upsert(definition);
      }
    }
    return {
      json: {
        dryRun,
        changes: changes.map(({ id, action, fields }) => ({ id, action, fields })),
      },
      text: (page) => describeChanges(changes, dryRun, page),
    };
  }
}

const MARKS = {
  create: ['+', 'green'],
  update: ['~', 'yellow'],
  remove: ['-', 'red'],
  keep: [' ', 'dim'],
} as const;

function describeChanges(changes: readonly Change[], dryRun: boolean, page: Page): string {
  const lines = changes.flatMap(({ id, action, fields }) => {
    const [mark, style] = MARKS[action];
    return [
      page.paint(style, `${mark} ${id}`),
      ...fields.map(({ field, from, to }) => `    ${field}: ${compact(from)} → ${compact(to)}`),
    ];
  });
  const count = changes.filter(({ action }) => action !== 'keep').length;
  return [...lines, `${plural(count, 'schedule')} ${dryRun ? 'would be changed' : 'changed'}`].join(
    '\n',
  );
}
