import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { commandsIn, readPages, ROOT } from './markdown.js';

interface Manifest {
  readonly scripts?: Readonly<Record<string, string>>;
}

const scriptsOf = (folder: string): string[] => {
  const file = join(ROOT, folder, 'package.json');
  if (!existsSync(file)) return [];
  return Object.keys((JSON.parse(readFileSync(file, 'utf8')) as Manifest).scripts ?? {});
};

const commands = readPages().flatMap((page) =>
  commandsIn(page).flatMap(({ line, at }) =>
    [...line.matchAll(/(?<![\w-])(npm|npx) ([^&|;#]+)/g)].map(([, tool, rest = '']) => ({
      at,
      tool,
      words: rest.trim().split(/\s+/),
    })),
  ),
);

/** What `npm` does without a script. */
const BUILT_IN = ['ci', 'install'];

describe('the scripts that the pages have npm run', () => {
  const scripts = commands.filter(
    ({ tool, words: [first = ''] }) => tool === 'npm' && !BUILT_IN.includes(first),
  );

  it('are there to be checked', () => {
    expect(scripts.length).toBeGreaterThan(30);
  });

  it('exist, in the workspace that is named', () => {
    const missing = scripts.filter(({ words: [first = '', second = '', ...rest] }) => {
      const script = first === 'run' ? second : first;
      const words = [second, ...rest];
      const folder = words[words.indexOf('--workspace') + 1];
      return !scriptsOf(words.includes('--workspace') ? (folder ?? '') : '.').includes(script);
    });
    expect(missing.map(({ at, words }) => `${at}: npm ${words.join(' ')}`)).toEqual([]);
  });
});

describe('the programs that the pages have npx run', () => {
  /** Others' packages, which npx fetches. */
  const FETCHED = ['@nestjs/cli'];

  it('are installed here, or the one of the package', () => {
    const missing = commands.filter(
      ({ tool, words: [program = ''] }) =>
        tool === 'npx' &&
        !FETCHED.includes(program) &&
        program !== 'stem' &&
        !existsSync(join(ROOT, 'node_modules/.bin', program)),
    );
    expect(missing.map(({ at, words }) => `${at}: npx ${words.join(' ')}`)).toEqual([]);
  });
});

describe('the paths that they are given', () => {
  it('exist', () => {
    const paths = commands.flatMap(({ at, words }) =>
      words
        .filter((word) => /^(test|libs|examples|apps)\/[\w./-]+$/.test(word))
        .map((path) => ({ at, path })),
    );
    expect(paths.length).toBeGreaterThan(5);
    expect(paths.filter(({ path }) => !existsSync(join(ROOT, path)))).toEqual([]);
  });
});
