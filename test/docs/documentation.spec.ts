import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type ts from 'typescript';
import { type Block, blocksOf, type Page, proseOf, readPages, ROOT } from './markdown.js';
import { faultsIn, programOf, type Snippet, snippetsOf } from './snippets.js';

const pages = readPages();
let snippets: Snippet[];
let program: ts.Program;

beforeAll(() => {
  snippets = snippetsOf(pages.flatMap(blocksOf));
  program = programOf(snippets);
});

describe('the TypeScript of the documentation', () => {
  it('compiles against the library', () => {
    expect(faultsIn(program, snippets)).toEqual([]);
  });
});

describe('blocks that are said to be from a file', () => {
  const blocks = pages.flatMap(blocksOf).filter(({ from }) => from !== undefined);

  it('are there to be checked', () => {
    expect(blocks.length).toBeGreaterThan(0);
  });

  it('stand in it as they are, but for the indentation', () => {
    const strayed = blocks.filter((block) => !stands(block));
    expect(strayed.map(({ page, firstLine, from }) => `${page}:${firstLine}: ${from}`)).toEqual([]);
  });
});

describe('the links of the documentation', () => {
  it('lead to files and headings that exist', () => {
    expect(pages.flatMap(brokenLinks)).toEqual([]);
  });
});

function stands({ from = '', lines }: Block): boolean {
  const file = join(ROOT, from);
  const trimmed = (all: readonly string[]): string => all.map((line) => line.trim()).join('\n');
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
