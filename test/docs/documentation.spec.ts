import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Block, blocksOf, type Page, proseOf, readPages, ROOT } from './markdown.js';
import { unusedOf, usedByTests } from './run-by-tests.js';

const pages = readPages();
const blocks = pages.flatMap(blocksOf);
const quoted = blocks.filter(({ from }) => from !== undefined);
const at = ({ page, firstLine }: Block): string => `${page}:${firstLine}`;

describe('the TypeScript of the documentation', () => {
  it('is there to be checked', () => {
    expect(blocks.filter(({ info }) => info === 'ts').length).toBeGreaterThan(80);
  });

  it('is called so', () => {
    const known = new Set(['ts', 'sh', 'json', 'yaml', 'text', 'mermaid', 'python']);
    expect(blocks.filter(({ info }) => !known.has(info)).map(at)).toEqual([]);
  });

  it('is from a file', () => {
    const homeless = blocks.filter(({ info, from }) => info === 'ts' && from === undefined);
    expect(homeless.map(at)).toEqual([]);
  });

  it('stands in its file as it is, but for the indentation', () => {
    const strayed = quoted.filter((block) => !stands(block));
    expect(strayed.map((block) => `${at(block)}: ${block.from}`)).toEqual([]);
  });

  it('is run by a test', () => {
    const uses = usedByTests();
    const files = new Set(quoted.map(({ from = '' }) => from));
    expect([...files].flatMap((file) => unusedOf(file, uses))).toEqual([]);
  });
});

describe('the links of the documentation', () => {
  it('lead to files and headings that exist', () => {
    expect(pages.flatMap(brokenLinks)).toEqual([]);
  });
});

function stands({ from = '', lines }: Block): boolean {
  const file = join(ROOT, from);
  const trimmed = (all: readonly string[]): string =>
    `\n${all.map((line) => line.trim()).join('\n')}\n`;
  return (
    existsSync(file) && trimmed(readFileSync(file, 'utf8').split('\n')).includes(trimmed(lines))
  );
}

function brokenLinks(page: Page): string[] {
  const broken: string[] = [];
  proseOf(page).forEach((line, index) => {
    for (const [, target = ''] of line.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z][a-z0-9+.-]*:/i.test(target)) continue;
      const [path = '', anchor] = target.split('#');
      const file = path === '' ? page.path : join(dirname(page.path), path);
      if (!existsSync(join(ROOT, file))) broken.push(`${page.path}:${index + 1}: ${target}`);
      else if (anchor !== undefined && !anchorsOf(file).has(anchor)) {
        broken.push(`${page.path}:${index + 1}: ${target} (no such heading)`);
      }
    }
  });
  return broken;
}

function anchorsOf(path: string): Set<string> {
  const page = pages.find((one) => one.path === path);
  if (!page) return new Set();
  const anchors = new Set<string>();
  for (const line of proseOf(page)) {
    const heading = /^#{1,6} (.*)$/.exec(line)?.[1];
    if (heading === undefined) continue;
    const slug = heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(/\s/g, '-');
    for (let n = 0; ; n++) {
      const anchor = n === 0 ? slug : `${slug}-${n}`;
      if (anchors.has(anchor)) continue;
      anchors.add(anchor);
      break;
    }
  }
  return anchors;
}
