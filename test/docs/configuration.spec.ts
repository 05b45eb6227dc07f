import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as library from '../../libs/stem/src/index.js';
import { StemConfig } from '../../libs/stem/src/config/environment.js';
import { resolveStemOptions } from '../../libs/stem/src/config/resolve-options.js';
import { parseDuration } from '../../libs/stem/src/core/duration.js';
import { StemError } from '../../libs/stem/src/core/errors.js';
import { resolveRetryPolicy } from '../../libs/stem/src/core/retry-policy.js';
import { resolveTaskOptions } from '../../libs/stem/src/core/task-options.js';
import { TASK_STATES } from '../../libs/stem/src/core/task-state.js';
import { codeIn, readPage, ROOT, type Row, tableOf } from './markdown.js';
import { propertiesOf } from './option-properties.js';

/** Where each interface is documented, and what its options are when none is given. */
const resolved = resolveStemOptions({}, {});
const TABLES: readonly [page: string, type: string, defaults: object][] = [
  ['docs/configuration.md', 'StemOptions', { ...resolved, prefetchMultiplier: 2 }],
  ['docs/configuration.md', 'WorkerOptions', resolved.worker ?? {}],
  ['docs/configuration.md', 'IsolationOptions', {}],
  ['docs/configuration.md', 'BeatOptions', resolved.beat ?? {}],
  ['docs/configuration.md', 'MonitorOptions', resolved.monitor ?? {}],
  ['docs/configuration.md', 'SizeLimits', resolved.limits],
  ['docs/configuration.md', 'TlsFiles', { allowInsecure: false }],
  ['docs/configuration.md', 'TaskOptions', resolveTaskOptions({}, 'a task')],
  ['docs/configuration.md', 'EnqueueOptions', {}],
  ['docs/tasks.md', 'TaskOptions', resolveTaskOptions({}, 'a task')],
  ['docs/tasks.md', 'RetryOptions', resolveRetryPolicy({}, 'a task')],
  ['docs/client.md', 'EnqueueOptions', {}],
];

/** Defaults that are no literal, or none that the resolved options show as such. */
const IN_WORDS: ReadonlySet<string> = new Set([
  'StemOptions.limits',
  'WorkerOptions.queues',
  'WorkerOptions.name',
  'WorkerOptions.prefetchMultiplier',
  'TaskOptions.retry',
  'RetryOptions.doNotRetryOn',
]);

describe.each(TABLES)('%s, table of %s', (page, type, defaults) => {
  const rows = tableOf(readPage(page), type);

  it('names every option once, and no other', () => {
    expect(rows.map(nameIn).sort()).toEqual(propertiesOf(type).sort());
  });

  it('names the defaults that hold', () => {
    const column = headOf(page, type).indexOf('default');
    const wrong = rows.flatMap((row) => {
      const name = nameIn(row);
      const given = row.cells[column] as string;
      const expected = defaultOf(type, name, defaults);
      return isSame(given, expected)
        ? []
        : [`${page}:${row.line}: the default of ${name} is ${show(expected)}, not ${given}`];
    });
    expect(wrong).toEqual([]);
  });
});

describe('the variables of docs/configuration.md', () => {
  const page = readPage('docs/configuration.md');
  const rows = tableOf(page, 'variables');

  it('are those that the code reads, and no other', () => {
    const read = new Set<string>();
    const watched = new Proxy<Record<string, string | undefined>>(
      {},
      { get: (_, name) => void read.add(String(name)) },
    );
    StemConfig.fromEnvironment(watched);
    expect(rows.map(nameIn).sort()).toEqual([...read].sort());
  });

  it('are read nowhere else in the library', () => {
    const elsewhere = sourcesOf('libs/stem/src').filter(
      (path) =>
        !path.endsWith('.spec.ts') && /process\.env\.STEM_/.test(readFileSync(path, 'utf8')),
    );
    expect(elsewhere).toEqual([]);
  });

  it('set the options that are named beside them', () => {
    const wrong = rows.filter(
      (row) => !optionsSetBy(nameIn(row)).includes(codeIn(row.cells[1] ?? '') ?? ''),
    );
    expect(wrong.map(({ line }) => `docs/configuration.md:${line}`)).toEqual([]);
  });

  it('are the only ones that the pages mention', () => {
    const known = new Set(rows.map(nameIn));
    const mentioned = ['README.md', ...sourcesOf('docs', '.md')].flatMap((path) =>
      [...readFileSync(join(ROOT, path), 'utf8').matchAll(/\bSTEM_[A-Z_]*[A-Z]\b(?!_\*)/g)]
        .map(([name]) => name)
        .filter((name) => !known.has(name) && !errorCodes().has(name))
        .map((name) => `${path}: ${name}`),
    );
    expect(mentioned).toEqual([]);
  });
});

describe('docs/client.md', () => {
  it('names every error that the library exports, with its code', () => {
    const rows = tableOf(readPage('docs/client.md'), 'errors');
    const documented = rows.map(
      ({ cells }) => `${codeIn(cells[0] ?? '')} ${codeIn(cells[1] ?? '')}`,
    );
    expect(documented.sort()).toEqual(
      [...errorCodes()].map(([code, name]) => `${name} ${code}`).sort(),
    );
  });

  it('names every state of a task', () => {
    const text = readPage('docs/client.md').lines.join('\n');
    expect(TASK_STATES.filter((state) => !text.includes(`| \`${state}\``))).toEqual([]);
  });
});

function nameIn({ cells }: Row): string {
  return codeIn(cells[0] ?? '') ?? '';
}

function headOf(page: string, table: string): string[] {
  const { lines } = readPage(page);
  const at = lines.indexOf(`<!-- table: ${table} -->`);
  const head = lines.slice(at + 1).find((line) => line.trim().startsWith('|')) ?? '';
  return head
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim());
}

/** In the form in which the resolved options keep it: durations in milliseconds. */
function defaultOf(type: string, name: string, defaults: object): unknown {
  if (IN_WORDS.has(`${type}.${name}`)) return undefined;
  const known = defaults as Record<string, unknown>;
  if (type === 'StemOptions' && name === 'broker') return 'memory://';
  if (type === 'StemOptions' && (name === 'worker' || name === 'beat' || name === 'monitor'))
    return known[name] !== undefined;
  return known[name] ?? known[`${name}Ms`];
}

/** A literal in backticks must be the default; a default that is no literal is told in words. */
function isSame(cell: string, expected: unknown): boolean {
  const literal = /^`([^`]*)`$/.exec(cell)?.[1];
  if (literal === undefined) return expected === undefined || isEmptyList(expected);
  if (literal === '[]') return isEmptyList(expected);
  const value: unknown = JSON.parse(literal.replaceAll("'", '"'));
  if (typeof value === 'string' && typeof expected === 'number') {
    return parseDuration(value, 'the documented default') === expected;
  }
  return value === expected;
}

function isEmptyList(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}

function show(value: unknown): string {
  return value === undefined ? 'no literal' : JSON.stringify(value);
}

/** Paths of the options that a variable sets, tried with values of every kind. */
function optionsSetBy(variable: string): string[] {
  const file = join(ROOT, 'README.md');
  const beside = {
    STEM_TLS_CLIENT_CERT: { STEM_TLS_CLIENT_KEY: file },
    STEM_TLS_CLIENT_KEY: { STEM_TLS_CLIENT_CERT: file },
  }[variable];
  for (const value of ['redis://localhost', '5', '5s', 'true', file]) {
    try {
      const options = StemConfig.fromEnvironment({ ...beside, [variable]: value });
      return Object.entries(options).flatMap(([name, set]) =>
        name === 'worker' || name === 'tls'
          ? Object.keys(set as object).map((key) => `${name}.${key}`)
          : [name],
      );
    } catch {
      // A value of another kind.
    }
  }
  return [];
}

/** Names of the exported errors by their code. */
function errorCodes(): Map<string, string> {
  const codes = new Map<string, string>();
  for (const path of ['libs/stem/src/core/errors.ts', 'libs/stem/src/schedule/schedule-error.ts']) {
    const text = readFileSync(join(ROOT, path), 'utf8');
    for (const [, name = '', code = ''] of text.matchAll(
      /class (\w+) extends (?:(?!class )[^])*?readonly code(?:: [^=]+)? = '(\w+)'/g,
    )) {
      const exported: unknown = (library as Record<string, unknown>)[name];
      if (typeof exported === 'function' && exported.prototype instanceof StemError)
        codes.set(code, name);
    }
  }
  return codes;
}

function sourcesOf(folder: string, extension = '.ts'): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(extension))
    .map((entry) => join(entry.parentPath, entry.name).slice(ROOT.length + 1));
}

describe('docs/worker.md', () => {
  it('names every signal', () => {
    const page = readPage('docs/worker.md');
    expect(tableOf(page, 'signals').map(nameIn).sort()).toEqual(
      propertiesOf('SignalPayloads').sort(),
    );
  });
});
