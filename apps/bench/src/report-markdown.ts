import { CONTENDER_TITLES, CONTENDERS, RIVALS } from './contenders/index.js';
import type { Report, Row } from './report.js';

/** The report as Markdown, which is also readable on a terminal. */
export function toMarkdown({ machine, rounds, rows }: Report): string {
  const { cpu, cores, node, redis, libraries, date } = machine;
  const versions = Object.entries(libraries).map(([name, version]) => `${name} ${version}`);
  const costs = rows.filter(({ isCost }) => isCost);
  return [
    '# Stem beside other queues',
    `${date}. ${cpu}, ${cores} cores; Node ${node}; Redis ${redis}; ${versions.join(', ')}.`,
    `Medians of ${rounds} ${rounds === 1 ? 'round' : 'rounds'}. The last columns are Stem's ratios to the others, medians of the ratios in each round.`,
    table(rows.filter(({ isCost }) => !isCost)),
    ...(costs.length > 0 ? ['## What a task costs', table(costs)] : []),
  ].join('\n\n');
}

function table(rows: readonly Row[]): string {
  const columns = CONTENDERS.filter((name) => rows.some(({ medians }) => name in medians));
  const rivals = RIVALS.filter((name) => rows.some(({ ratios }) => name in ratios));
  const heads = [
    '',
    'unit',
    ...columns.map((name) => CONTENDER_TITLES[name]),
    ...rivals.map((name) => `to ${CONTENDER_TITLES[name]}`),
  ];
  const lines = rows.map(({ title, unit, medians, ratios }) => [
    title,
    unit,
    ...columns.map((name) => readable(medians[name])),
    ...rivals.map((name) => {
      const ratio = ratios[name];
      return ratio === undefined ? '' : `${ratio.toFixed(2)} ×`;
    }),
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
