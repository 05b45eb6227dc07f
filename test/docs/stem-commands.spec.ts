import { blocksOf, commandsIn, type Page, readPage, readPages } from './markdown.js';

/** Help of every command by its name, from the reference, which is compared with `--help` elsewhere. */
const help = new Map(
  blocksOf(readPage('docs/cli.md')).flatMap(({ info, lines }) => {
    const [, name] = /^Usage: stem ([a-z ]+?) (?:\[|<)/.exec(lines[0] ?? '') ?? [];
    return info === 'text' && name !== undefined ? [[name, lines.join('\n')] as const] : [];
  }),
);
const GLOBAL = [
  ...readPage('docs/cli.md')
    .lines.join('\n')
    .matchAll(/^\| `(--[a-z-]+)/gm),
].map(([, option]) => option);

describe('the stem commands that the pages name', () => {
  it('are there to be checked', () => {
    expect(help.size).toBeGreaterThan(30);
    expect(readPages().flatMap(stemCommandsIn).length).toBeGreaterThan(30);
  });

  it('exist, with their options', () => {
    expect(readPages().flatMap(stemCommandsIn).flatMap(faultsIn)).toEqual([]);
  });
});

interface Named {
  readonly at: string;
  readonly words: readonly string[];
}

function stemCommandsIn(page: Page): Named[] {
  return commandsIn(page).flatMap(({ line, at }) => {
    const [, command] = /^\s*(?:npx )?stem ((?!\w+:)[a-z].*?)(?:\s+[#|>].*)?$/.exec(line) ?? [];
    return command === undefined ? [] : [{ at, words: command.split(/\s+/) }];
  });
}

function faultsIn({ at, words }: Named): string[] {
  const names = words.filter((word) => /^[a-z]/.test(word));
  const name = [`${names[0]} ${names[1]}`, `${names[0]}`].find((one) => help.has(one));
  if (name === undefined) {
    const isGroup =
      words.length === 1 && [...help.keys()].some((one) => one.startsWith(`${words[0]} `));
    return isGroup ? [] : [`${at}: there is no stem ${words.join(' ')}`];
  }
  const known = help.get(name) ?? '';
  return words
    .filter((word) => /^--[a-z]/.test(word))
    .map((word) => word.split('=')[0] ?? '')
    .filter((option) => !GLOBAL.includes(option) && !new RegExp(`${option}\\b`).test(known))
    .map((option) => `${at}: stem ${name} has no ${option}`);
}
