import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Report, Row } from './report.js';
import { checkOut, run } from './revision.js';
import { SCENARIOS } from './scenarios/index.js';
import { median } from './statistics.js';

const ROUNDS = 5;

const USAGE = `Usage: npm run bench:compare -- <git revision> --only text [--rounds n]
  --only text  scenarios whose name contains the text:
               ${SCENARIOS.map(({ name }) => name).join(', ')}
  --rounds n   how often both are measured, in turn; the median counts (${ROUNDS})
Measures the library of the working tree and that of an earlier revision, both under today's benchmark.`;

const EXIT_FAILED = 1;
const EXIT_WRONG_USAGE = 64;
const OWN_MAIN = fileURLToPath(new URL('main.js', import.meta.url));

process.exitCode = await main().catch((error: Error) => {
  console.error(error.message);
  return EXIT_FAILED;
});

async function main(): Promise<number> {
  let options: ReturnType<typeof parseOptions>;
  try {
    options = parseOptions();
  } catch (error) {
    console.error(`${(error as Error).message}\n${USAGE}`);
    return EXIT_WRONG_USAGE;
  }
  const { revision, only, rounds } = options;
  const before = await checkOut(revision);
  try {
    const rowsBefore: (readonly Row[])[] = [];
    const rowsNow: (readonly Row[])[] = [];
    for (let round = 1; round <= rounds; round++) {
      const turns = [
        async () => rowsBefore.push(await measure(before.main, only)),
        async () => rowsNow.push(await measure(OWN_MAIN, only)),
      ];
      // Every other round goes backwards, so that neither always has the fresher machine.
      for (const turn of round % 2 === 1 ? turns : turns.toReversed()) await turn();
      console.log(`round ${round}/${rounds}`);
    }
    print(revision, rowsBefore, rowsNow);
    return 0;
  } finally {
    await before.remove();
  }
}

/** @throws {Error} saying what is wrong. */
function parseOptions(): { revision: string; only: string; rounds: number } {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { only: { type: 'string' }, rounds: { type: 'string' } },
  });
  const [revision] = positionals;
  if (revision === undefined || positionals.length > 1) throw new Error('Name one git revision.');
  const { only = '' } = values;
  if (only === '' || !SCENARIOS.some(({ name }) => name.includes(only))) {
    throw new Error(`No scenario's name contains '${only}'.`);
  }
  const rounds = Number(values.rounds ?? ROUNDS);
  if (!Number.isInteger(rounds) || rounds < 1) {
    throw new Error(`--rounds must be a whole number from 1, not '${values.rounds}'.`);
  }
  return { revision, only, rounds };
}

/** One round of Stem alone, in a process of its own. */
async function measure(benchMain: string, only: string): Promise<readonly Row[]> {
  const dist = dirname(benchMain);
  const args = [benchMain, '--contender', 'stem', '--rounds', '1', '--only', only];
  await run(process.execPath, args, dist);
  const text = await readFile(join(dist, '../results/partial.json'), 'utf8');
  return (JSON.parse(text) as Report).rows;
}

function print(
  revision: string,
  before: readonly (readonly Row[])[],
  now: readonly (readonly Row[])[],
): void {
  for (const { name, title, unit } of now[0] ?? []) {
    const was = valuesOf(before, name);
    const is = valuesOf(now, name);
    if (was.length === 0 || is.length === 0) continue;
    console.log(`\n${title} (${unit})`);
    console.log(`  ${revision.padEnd(14)} ${describe(was)}`);
    console.log(`  ${'working tree'.padEnd(14)} ${describe(is)}`);
    console.log(`  ${'ratio'.padEnd(14)} ${(median(is) / median(was)).toFixed(2)}`);
  }
}

function valuesOf(rounds: readonly (readonly Row[])[], measure: string): number[] {
  return rounds.flatMap((rows) => {
    const value = rows.find(({ name }) => name === measure)?.medians.stem;
    return value === undefined ? [] : [value];
  });
}

function describe(values: readonly number[]): string {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  return `${shown(median(values))} (${shown(least)} to ${shown(most)})`;
}

function shown(value: number): string {
  return value.toLocaleString('en', { maximumSignificantDigits: 3 });
}
