import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

export const ROOT = join(__dirname, '../..');

/** A page of the documentation. */
export interface Page {
  /** From the root of the repository, such as `docs/tasks.md`. */
  readonly path: string;
  readonly lines: readonly string[];
}

/** A fenced block of a page. */
export interface Block {
  readonly page: string;
  /** What follows the fence: `ts`, `ts ignore`, `sh`. */
  readonly info: string;
  /** Line of its first line of code, counted from 1. */
  readonly firstLine: number;
  readonly lines: readonly string[];
  /** The file it is a part of, said by `<!-- from: path -->` before it. */
  readonly from?: string;
}

/** A row of a table: its cells without surrounding blanks, and its line. */
export interface Row {
  readonly cells: readonly string[];
  readonly line: number;
}

/** The pages at the root, everything below docs/, and the READMEs of the package and the examples. */
export function readPages(): Page[] {
  const examples = readdirSync(join(ROOT, 'examples')).map((name) => `examples/${name}/README.md`);
  const below = readdirSync(join(ROOT, 'docs'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.md'))
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)));
  const others = ['libs/stem/README.md', ...examples].filter((path) =>
    existsSync(join(ROOT, path)),
  );
  return ['README.md', 'CONTRIBUTING.md', ...below.sort(), ...others].map(readPage);
}

export function readPage(path: string): Page {
  return { path, lines: readFileSync(join(ROOT, path), 'utf8').split('\n') };
}

export function blocksOf({ path, lines }: Page): Block[] {
  const blocks: Block[] = [];
  let open:
    { info: string; fence: string; firstLine: number; lines: string[]; from?: string } | undefined;
  let from: string | undefined;
  lines.forEach((line, index) => {
    const fence = /^\s*(`{3,})(.*)$/.exec(line);
    if (!open) {
      if (fence?.[1]) {
        open = { fence: fence[1], info: (fence[2] ?? '').trim(), firstLine: index + 2, lines: [] };
        if (from !== undefined) open.from = from;
      }
      if (line.trim() !== '') from = /^\s*<!-- from: (\S+) -->$/.exec(line)?.[1];
    } else if (line.trim() === open.fence) {
      const { fence: _, ...block } = open;
      blocks.push({ page: path, ...block });
      open = undefined;
    } else {
      open.lines.push(line);
    }
  });
  if (open) throw new Error(`${path}:${open.firstLine - 1}: this block has no end`);
  return blocks;
}

/** The page's lines with those of fenced blocks emptied. */
export function proseOf(page: Page): string[] {
  const prose = [...page.lines];
  for (const { firstLine, lines } of blocksOf(page)) {
    prose.fill('', firstLine - 1, firstLine - 1 + lines.length);
  }
  return prose;
}

/** A line that may be a command, and where it stands. */
export interface CommandLine {
  readonly at: string;
  readonly line: string;
}

/** Lines of shell blocks, and what stands in prose between backticks. */
export function commandsIn(page: Page): CommandLine[] {
  const inBlocks = blocksOf(page)
    .filter(({ info }) => info === 'sh')
    .flatMap(({ firstLine, lines }) =>
      lines.map((line, index) => ({ line, at: `${page.path}:${firstLine + index}` })),
    );
  const inProse = proseOf(page).flatMap((line, index) =>
    [...line.matchAll(/`([^`]+)`/g)].map(([, code = '']) => ({
      line: code,
      at: `${page.path}:${index + 1}`,
    })),
  );
  return [...inBlocks, ...inProse];
}

/** Rows of the table that follows `<!-- table: name -->`, without its head. */
export function tableOf({ path, lines }: Page, name: string): Row[] {
  const mark = lines.indexOf(`<!-- table: ${name} -->`);
  if (mark < 0) throw new Error(`${path} has no <!-- table: ${name} -->`);
  const rows: Row[] = [];
  for (let at = mark + 1; at < lines.length; at++) {
    const line = (lines[at] as string).trim();
    if (line.startsWith('|')) {
      const cells = line.slice(1, -1).split(/(?<!\\)\|/);
      rows.push({ cells: cells.map((cell) => cell.trim().replaceAll('\\|', '|')), line: at + 1 });
    } else if (rows.length > 0) {
      break;
    }
  }
  return rows.slice(2);
}

/** The text between the first pair of backticks. */
export function codeIn(cell: string): string | undefined {
  return /`([^`]+)`/.exec(cell)?.[1];
}
