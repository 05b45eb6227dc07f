import { CONTENDERS, type ContenderName, RIVALS } from './contenders/index.js';
import type { Machine } from './machine.js';
import type { Measure, Scenario } from './scenarios/scenario.js';
import { median } from './statistics.js';

export type Rival = (typeof RIVALS)[number];

/** Everything that was measured: for each measure and contender one value per round. */
export class Results {
  readonly #values = new Map<string, number[]>();

  add(measure: string, contender: ContenderName, value: number): void {
    const key = `${measure} ${contender}`;
    const values = this.#values.get(key);
    if (values) values.push(value);
    else this.#values.set(key, [value]);
  }

  of(measure: string, contender: ContenderName): readonly number[] {
    return this.#values.get(`${measure} ${contender}`) ?? [];
  }
}

/** A row of the report: medians, and the single values they come from. */
export interface Row extends Measure {
  readonly medians: Readonly<Partial<Record<ContenderName, number>>>;
  readonly rounds: Readonly<Partial<Record<ContenderName, readonly number[]>>>;
  /** Stem to each of the others: medians of the ratios of single rounds. */
  readonly ratios: Readonly<Partial<Record<Rival, number>>>;
}

export interface Report {
  readonly machine: Machine;
  readonly rounds: number;
  readonly rows: readonly Row[];
}

/** What is not measured at one go: the sum of two measures. */
const SUMS: readonly (Measure & { readonly of: readonly [string, string] })[] = [
  {
    name: 'lifecycle.redisCpuMicros',
    title: 'Redis CPU from enqueue (500 in flight) to done (concurrency 100)',
    unit: 'µs/task',
    better: 'lower',
    isCost: false,
    of: ['enqueue-concurrent.redisCpuMicros', 'processing-100.redisCpuMicros'],
  },
];

export function createReport(
  machine: Machine,
  rounds: number,
  scenarios: readonly Scenario[],
  results: Results,
): Report {
  const rows = scenarios
    .flatMap(({ measures }) => measures)
    .map((measure) => createRow(measure, (name) => results.of(measure.name, name)));
  const sums = SUMS.filter(({ of }) => of.every((name) => rows.some((row) => row.name === name)));
  for (const { of, ...measure } of sums) {
    const [first, second] = of;
    rows.push(
      createRow(measure, (name) => {
        const others = results.of(second, name);
        return results.of(first, name).map((value, index) => value + (others[index] ?? Number.NaN));
      }),
    );
  }
  return { machine, rounds, rows };
}

function createRow(measure: Measure, valuesOf: (name: ContenderName) => readonly number[]): Row {
  const measured = CONTENDERS.filter((name) => valuesOf(name).length > 0);
  const medians: Partial<Record<ContenderName, number>> = {};
  const rounds: Partial<Record<ContenderName, readonly number[]>> = {};
  for (const name of measured) {
    medians[name] = median(valuesOf(name));
    rounds[name] = valuesOf(name);
  }
  const ratios: Partial<Record<Rival, number>> = {};
  for (const rival of RIVALS) {
    const inRounds = ratiosOf(rounds.stem ?? [], rounds[rival] ?? []);
    if (inRounds.length > 0) ratios[rival] = median(inRounds);
  }
  return { ...measure, medians, rounds, ratios };
}

/** Of one round both figures come within seconds: a machine that is slower in one round is slower for both. */
function ratiosOf(ours: readonly number[], theirs: readonly number[]): number[] {
  return ours.flatMap((value, round) => {
    const other = theirs[round];
    return other ? [value / other] : [];
  });
}
