import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { planChanges, readSchedules } from '../../libs/stem/src/cli/commands/schedule/plan.js';
import { type Block, blocksOf, readPages } from './markdown.js';

const blocks = readPages().flatMap(blocksOf);
const of = (kind: string): [at: string, text: string][] =>
  blocks.filter(({ info }) => info === kind).map((block) => [nameOf(block), textOf(block)]);

describe('the JSON of the pages', () => {
  it.each(of('json'))('can be read: %s', (_, text) => {
    expect(() => JSON.parse(text) as unknown).not.toThrow();
  });
});

describe('the YAML of the pages', () => {
  it.each(of('yaml'))('can be read: %s', (_, text) => {
    expect(parse(text)).toEqual(expect.any(Object));
  });

  const schedules = of('yaml').filter(([, text]) => text.startsWith('schedules:'));

  it.each(schedules)('holds schedules that would be made: %s', async (_, text) => {
    const folder = mkdtempSync(join(tmpdir(), 'stem-schedules-'));
    try {
      const file = join(folder, 'schedules.yaml');
      writeFileSync(file, text);
      const changes = planChanges(await readSchedules(file), [], false);
      expect(changes.length).toBeGreaterThan(0);
      expect(changes.filter(({ action }) => action !== 'create')).toEqual([]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

function nameOf({ page, firstLine }: Block): string {
  return `${page}:${firstLine}`;
}

function textOf({ lines }: Block): string {
  return lines.join('\n');
}
