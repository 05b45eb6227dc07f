import { mkdir, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { CONTENDER_TITLES, CONTENDERS, type ContenderName } from './contenders/index.js';
import type { Machine } from './machine.js';
import type { Measure, Scenario } from './scenarios/scenario.js';
import { median } from './statistics.js';

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
  /** Stem to BullMQ. */
  readonly ratio: number | undefined;
}

export interface Report {
  readonly machine: Machine;
  readonly rounds: number;
  readonly rows: readonly Row[];
}

export function createReport(
  machine: Machine,
  rounds: number,
  scenarios: readonly Scenario[],
  results: Results,
): Report {
  const rows = scenarios
    .flatMap(({ measures }) => measures)
    .map((measure): Row => {
      const measured = CONTENDERS.filter((name) => results.of(measure.name, name).length > 0);
      const entries = <T>(
        value: (name: ContenderName) => T,
      ): Readonly<Partial<Record<ContenderName, T>>> =>
        Object.fromEntries(measured.map((name) => [name, value(name)]));
      const medians = entries((name) => median(results.of(measure.name, name)));
      const { stem, bullmq } = medians;
      return {
        ...measure,
        medians,
        rounds: entries((name) => results.of(measure.name, name)),
        ratio: stem !== undefined && bullmq ? stem / bullmq : undefined,
      };
    });
  return { machine, rounds, rows };
}

/** The report as Markdown, which is also readable on a terminal. */
export async function toMarkdown({ machine, rounds, rows }: Report): Promise<string> {
  const { cpu, cores, node, redis, libraries, date } = machine;
  const versions = Object.entries(libraries).map(([name, version]) => `${name} ${version}`);
  const costs = rows.filter(({ isCost }) => isCost);
  const text = [
    '# Stem and BullMQ',
    `${date}. ${cpu}, ${cores} cores; Node ${node}; Redis ${redis}; ${versions.join(', ')}.`,
    `Medians of ${rounds} ${rounds === 1 ? 'round' : 'rounds'}; ratios are Stem to BullMQ.`,
    table(rows.filter(({ isCost }) => !isCost)),
    ...(costs.length > 0 ? ['## What a task costs', table(costs)] : []),
  ].join('\n\n');
  return pretty(text, 'report.md');
}

/** Writes `<name>.json` and `<name>.md`; returns the path of the latter. */
export async function writeReport(report: Report, name: string): Promise<string> {
  const folder = new URL('../results/', import.meta.url);
  await mkdir(folder, { recursive: true });
  const target = new URL(`${name}.md`, folder);
  await writeFile(
    new URL(`${name}.json`, folder),
    await pretty(JSON.stringify(report, roundNumbers, 2), 'report.json'),
  );
  await writeFile(target, await toMarkdown(report));
  return fileURLToPath(target);
}

function table(rows: readonly Row[]): string {
  const columns = CONTENDERS.filter((name) => rows.some(({ medians }) => name in medians));
  const heads = ['', 'unit', ...columns.map((name) => CONTENDER_TITLES[name]), 'ratio'];
  const lines = rows.map(({ title, unit, medians, ratio }) => [
    title,
    unit,
    ...columns.map((name) => readable(medians[name])),
    ratio === undefined ? '' : `${ratio.toFixed(2)} ×`,
  ]);
  const alignments = heads.map((_, index) => (index < 2 ? '---' : '--:'));
  return [heads, alignments, ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function readable(value: number | undefined): string {
  if (value === undefined) return '';
  const digits = value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return value.toLocaleString('en', {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
}

/** The repository's formatting is checked, and the results are part of it. */
async function pretty(text: string, file: string): Promise<string> {
  const options = await resolveConfig(fileURLToPath(import.meta.url));
  return format(text, { ...options, filepath: file });
}

function roundNumbers(_key: string, value: unknown): unknown {
  return typeof value === 'number' ? Number(value.toPrecision(5)) : value;
}
