import { parseArgs } from 'node:util';
import { CONTENDERS, type ContenderName } from './contenders/index.js';
import { SCENARIOS } from './scenarios/index.js';

/** How the benchmark is run. */
export interface BenchOptions {
  readonly rounds: number;
  readonly short: boolean;
  readonly check: boolean;
  /** Only scenarios whose name contains this. */
  readonly only: string | undefined;
  /** Only this one takes part. */
  readonly contender: ContenderName | undefined;
}

const ROUNDS = 3;
const SHORT_ROUNDS = 1;

export const USAGE = `Usage: npm run bench -- [options]
  --short      less work, about a minute; for checks, not for publishing
  --rounds n   how often everything is measured; the median counts (${ROUNDS}, with --short ${SHORT_ROUNDS})
  --only text  only scenarios whose name contains the text:
               ${SCENARIOS.map(({ name }) => name).join(', ')}
  --contender name  only this one: ${CONTENDERS.join(', ')}
  --check      exit with 1 when Stem is not clearly ahead (src/floors.ts)`;

/** @throws {Error} saying what is wrong. */
export function parseOptions(args: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      short: { type: 'boolean', default: false },
      check: { type: 'boolean', default: false },
      rounds: { type: 'string' },
      only: { type: 'string' },
      contender: { type: 'string' },
    },
  });
  const rounds = Number(values.rounds ?? (values.short ? SHORT_ROUNDS : ROUNDS));
  if (!Number.isInteger(rounds) || rounds < 1) {
    throw new Error(`--rounds must be a whole number from 1, not '${values.rounds}'.`);
  }
  const { only, short, check } = values;
  if (only !== undefined && !SCENARIOS.some(({ name }) => name.includes(only))) {
    throw new Error(`No scenario's name contains '${only}'.`);
  }
  const contender = CONTENDERS.find((name) => name === values.contender);
  if (values.contender !== undefined && contender === undefined) {
    throw new Error(`No contender is called '${values.contender}'.`);
  }
  if (contender !== undefined && !takesPart(contender, only)) {
    throw new Error(`${contender} does not take part in these scenarios.`);
  }
  if (check && contender !== undefined) {
    throw new Error('--check compares: it cannot go with --contender.');
  }
  return { rounds, short, check, only, contender };
}

function takesPart(contender: ContenderName, only = ''): boolean {
  return SCENARIOS.some(
    ({ name, contenders }) => name.includes(only) && contenders.includes(contender),
  );
}
