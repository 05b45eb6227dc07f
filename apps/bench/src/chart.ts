import { CONTENDER_TITLES, type ContenderName } from './contenders/index.js';
import type { Report, Row } from './report.js';

const SHOWN: readonly ContenderName[] = ['stem', 'bullmq', 'beeQueue'];
const COLOURS: Readonly<Record<string, string>> = {
  stem: '#2f855a',
  bullmq: '#a0aec0',
  beeQueue: '#d6bc7a',
};

const WIDTH = 760;
const LABEL_WIDTH = 270;
const BAR_WIDTH = 350;
const BAR_HEIGHT = 14;
const BAR_GAP = 3;
const GROUP_GAP = 14;
const TOP = 46;

/** Bars of tasks per second, each group as long as its longest, as a picture for the README. */
export function drawChart({ rows, machine }: Report): string {
  const groups = rows.filter(
    ({ unit, isCost, medians }) =>
      unit === 'tasks/s' && !isCost && SHOWN.filter((name) => name in medians).length > 1,
  );
  const parts: string[] = [];
  let y = TOP;
  for (const group of groups) {
    parts.push(...drawGroup(group, y));
    y += barsOf(group).length * (BAR_HEIGHT + BAR_GAP) + GROUP_GAP;
  }
  const height = y + 24;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="Tasks per second of Stem, BullMQ and bee-queue">`,
    '<style>text{font:12px system-ui,sans-serif;fill:#4a5568}.value{font-size:11px}.small{font-size:10px}</style>',
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    ...drawLegend(),
    ...parts,
    text(12, height - 10, describe(machine), 'small'),
    '</svg>',
    '',
  ].join('\n');
}

function barsOf({ medians }: Row): ContenderName[] {
  return SHOWN.filter((name) => name in medians);
}

function drawGroup(row: Row, top: number): string[] {
  const bars = barsOf(row);
  const longest = Math.max(...bars.map((name) => row.medians[name] as number));
  const middle = top + (bars.length * (BAR_HEIGHT + BAR_GAP)) / 2 + 3;
  const parts = [text(12, middle, row.title)];
  bars.forEach((name, index) => {
    const value = row.medians[name] as number;
    const y = top + index * (BAR_HEIGHT + BAR_GAP);
    const width = Math.max((value / longest) * BAR_WIDTH, 1);
    const ratio = row.ratios[name as 'bullmq'];
    const beside = `${Math.round(value).toLocaleString('en')}/s${ratio ? ` (${ratio.toFixed(1)} × less)` : ''}`;
    parts.push(
      `<rect x="${LABEL_WIDTH}" y="${y}" width="${width.toFixed(1)}" height="${BAR_HEIGHT}" fill="${COLOURS[name]}"/>`,
      text(LABEL_WIDTH + width + 6, y + BAR_HEIGHT - 3, beside, 'value'),
    );
  });
  return parts;
}

function drawLegend(): string[] {
  return SHOWN.flatMap((name, index) => {
    const x = LABEL_WIDTH + index * 110;
    return [
      `<rect x="${x}" y="14" width="12" height="12" fill="${COLOURS[name]}"/>`,
      text(x + 18, 24, CONTENDER_TITLES[name]),
    ];
  });
}

function describe({ cpu, cores, node, redis, date }: Report['machine']): string {
  return `${cpu}, ${cores} cores; Node ${node}; Redis ${redis}; ${date}`;
}

function text(x: number, y: number, content: string, style?: string): string {
  const escaped = content.replace(/[&<>]/g, (c) => `&#${c.charCodeAt(0)};`);
  return `<text x="${x.toFixed(0)}" y="${y.toFixed(0)}"${style ? ` class="${style}"` : ''}>${escaped}</text>`;
}
