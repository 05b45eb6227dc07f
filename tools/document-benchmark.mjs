#!/usr/bin/env node
/**
 * Takes the figures of the README over from the report of the last full benchmark run.
 *
 * The README says which rows it shows: those it has now. A row that the report has not is an error.
 *
 * With --check nothing is written; the exit code is 1 when a figure differs.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';

const root = fileURLToPath(new URL('..', import.meta.url));
const readmeFile = join(root, 'README.md');
const reportFile = join(root, 'apps/bench/results/latest.md');
const BLOCK = /(?<=<!-- bench:start -->\n).*(?=<!-- bench:end -->)/s;

try {
  process.exitCode = await main(process.argv.includes('--check'));
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}

async function main(checkOnly) {
  const readme = readFileSync(readmeFile, 'utf8');
  const report = readFileSync(reportFile, 'utf8');
  const block = BLOCK.exec(readme)?.[0];
  if (block === undefined) throw new Error('README.md has no benchmark block');

  const updated = withPlaceAndRounds(withFigures(block, rowsOf(report)), report);
  const options = await resolveConfig(readmeFile);
  const written = await format(
    readme.replace(BLOCK, () => updated),
    { ...options, parser: 'markdown' },
  );
  if (written === readme) return 0;
  if (checkOnly) {
    console.error('The figures in README.md are not those of the report: run `npm run document`');
    return 1;
  }
  writeFileSync(readmeFile, written);
  return 0;
}

/** Cells by the title of their row and the title of their column. */
function rowsOf(markdown) {
  const [header, , ...rows] = tableOf(markdown);
  return new Map(
    rows.map(([title, ...cells]) => [
      title,
      new Map(cells.map((cell, index) => [header[index + 1], cell])),
    ]),
  );
}

/** The first table, a row a list of cells. */
function tableOf(markdown) {
  const lines = markdown.split('\n');
  const from = lines.findIndex((line) => line.startsWith('|'));
  const length = lines.slice(from).findIndex((line) => !line.startsWith('|'));
  return lines.slice(from, from + length).map((line) =>
    line
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim()),
  );
}

function withFigures(block, report) {
  const [header, rule, ...rows] = tableOf(block);
  const written = rows.map(([title]) => {
    const cells = report.get(title);
    if (!cells) throw new Error(`The benchmark's report has no row '${title}'`);
    return [title, ...header.slice(1).map((column) => cells.get(column) ?? '')];
  });
  const table = [header, rule, ...written].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
  return block.replace(/^\|.*\|$(?:\n\|.*\|$)*/m, () => table);
}

/** The machine, the versions and the rounds, in the block's own words. */
function withPlaceAndRounds(block, report) {
  const found = (pattern) => {
    const match = pattern.exec(report)?.[1];
    if (match === undefined) throw new Error(`The benchmark's report does not say ${pattern}`);
    return match;
  };
  const rounds = found(/^Medians of (\d+) rounds?/m);
  const place = {
    Node: found(/Node ([\d.]+\d)/),
    Redis: found(/Redis ([\d.]+\d)/),
    bullmq: found(/, bullmq ([\d.]+\d)/),
    'bee-queue': found(/bee-queue ([\d.]+\d)/),
    ioredis: found(/ioredis ([\d.]+\d)/),
  };
  let text = block
    .replace(/medians of \d+ rounds?/, `medians of ${rounds} round${rounds === '1' ? '' : 's'}`)
    .replace(/--rounds \d+/, `--rounds ${rounds}`);
  for (const [name, version] of Object.entries(place)) {
    text = text.replace(new RegExp(`(${name}\\s+)[\\d.]+\\d`), `$1${version}`);
  }
  return text;
}
