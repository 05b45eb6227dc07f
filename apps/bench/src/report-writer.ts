import { mkdir, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { drawChart } from './chart.js';
import { toMarkdown } from './report-markdown.js';
import type { Report } from './report.js';

/** Writes `<name>.json`, `<name>.md` and `<name>.svg`; returns the path of the second. */
export async function writeReport(report: Report, name: string): Promise<string> {
  const folder = new URL('../results/', import.meta.url);
  await mkdir(folder, { recursive: true });
  const target = new URL(`${name}.md`, folder);
  const text = JSON.stringify(report, roundNumbers, 2);
  await writeFile(new URL(`${name}.json`, folder), await pretty(text, 'report.json'));
  await writeFile(target, await pretty(toMarkdown(report), 'report.md'));
  await writeFile(new URL(`${name}.svg`, folder), drawChart(report));
  return fileURLToPath(target);
}

/** The repository's formatting is checked, and the results are part of it. */
async function pretty(text: string, file: string): Promise<string> {
  const options = await resolveConfig(fileURLToPath(import.meta.url));
  return format(text, { ...options, filepath: file });
}

function roundNumbers(_key: string, value: unknown): unknown {
  return typeof value === 'number' ? Number(value.toPrecision(5)) : value;
}
