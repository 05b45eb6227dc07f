import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { DOCUMENTED } from '../cli/support/schema.js';
import { ROOT } from './markdown.js';

/** Of the built command line. */
const document = (option: string): string =>
  execFileSync(process.execPath, [join(ROOT, 'tools/document-cli.mjs'), option], {
    encoding: 'utf8',
  });

/** They print a log, not a document. */
const WITHOUT_JSON = ['worker start', 'beat start'];

describe('docs/cli.md', () => {
  it('says of every command what its --help does', () => {
    document('--check');
  });
});

describe('docs/cli.schema.json', () => {
  it('describes what every command prints for programs', () => {
    const commands = JSON.parse(document('--list')) as string[];
    expect(Object.keys(DOCUMENTED.commands).sort()).toEqual(
      commands.filter((command) => !WITHOUT_JSON.includes(command)).sort(),
    );
  });
});
