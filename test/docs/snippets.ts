import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import ts from 'typescript';
import { type Block, ROOT } from './markdown.js';

/**
 * Makes modules of the TypeScript blocks of the documentation, and one program of all of them.
 *
 * A block is a module; a line such as `// app.module.ts` begins another one. It may also be members of a
 * class, and `{ … }` stands for code that is left out. Names that it uses and does not declare come
 * from its page's prelude, the library, or the common prelude, by an import at the end of the module: so
 * lines of the module are lines of the block.
 */

const HERE = join(ROOT, 'test/docs');
const LIBRARY = join(ROOT, 'libs/stem/src/index.ts');

/** A module made of a block, or of a part of it. */
export interface Snippet {
  readonly page: string;
  readonly firstLine: number;
  readonly fileName: string;
  readonly text: string;
}

/** What a module exports: names, and whether each is a type only. */
type Exports = ReadonlyMap<string, boolean>;

interface Source {
  readonly specifier: string;
  readonly exports: Exports;
}

export function snippetsOf(blocks: readonly Block[]): Snippet[] {
  // A block from a file is compiled, and run, where it is from.
  return blocks
    .filter(({ info, from }) => info === 'ts' && from === undefined)
    .flatMap(snippetsOfBlock);
}

function snippetsOfBlock({ page, firstLine, lines }: Block): Snippet[] {
  const starts = lines.flatMap((line, at) => (/^\/\/ [\w./-]+\.ts$/.test(line) ? [at] : []));
  const bounds = starts[0] === 0 ? starts : [0, ...starts];
  return bounds.map((from, index) => {
    const code = lines
      .slice(from, bounds[index + 1] ?? lines.length)
      .join('\n')
      .replaceAll('{ … }', '{ throw 0; }');
    const line = firstLine + from;
    const name = `${page.replaceAll(/[^\w]/g, '_')}_${line}.ts`;
    const text = complete(asModule(code), page);
    return { page, firstLine: line, fileName: join(HERE, name), text };
  });
}

function asModule(code: string): string {
  if (parses(code)) return code;
  const asMembers = `export class Fragment { ${code}\n}`;
  return parses(asMembers) ? asMembers : code;
}

function parses(code: string): boolean {
  const { diagnostics } = ts.transpileModule(code, {
    reportDiagnostics: true,
    compilerOptions: { experimentalDecorators: true, target: ts.ScriptTarget.ES2022 },
  });
  return (diagnostics ?? []).length === 0;
}

function complete(code: string, page: string): string {
  const file = ts.createSourceFile('block.ts', code, ts.ScriptTarget.ES2022, true);
  const missing = [...usedNames(file)].filter((name) => !declaredNames(file).has(name));
  const imports: string[] = [];
  for (const name of missing) {
    const source = sourcesOf(page).find(({ exports }) => exports.has(name));
    if (!source) continue;
    const type = source.exports.get(name) ? 'type ' : '';
    imports.push(`import { ${type}${name} } from '${source.specifier}';`);
  }
  return `${code}\n${imports.join('\n')}\nexport {};\n`;
}

function usedNames(file: ts.SourceFile): Set<string> {
  const names = new Set<string>();
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node)) names.add(node.text);
    ts.forEachChild(node, visit);
  };
  visit(file);
  return names;
}

/** Names of the module's own declarations and imports. */
function declaredNames(file: ts.SourceFile): Set<string> {
  const names = new Set<string>();
  const bind = (name: ts.BindingName): void => {
    if (ts.isIdentifier(name)) names.add(name.text);
    else
      for (const element of name.elements) if (!ts.isOmittedExpression(element)) bind(element.name);
  };
  for (const statement of file.statements) {
    if (ts.isVariableStatement(statement)) {
      for (const { name } of statement.declarationList.declarations) bind(name);
    } else if (ts.isImportDeclaration(statement)) {
      const { name, namedBindings } = statement.importClause ?? {};
      if (name) names.add(name.text);
      if (namedBindings && ts.isNamedImports(namedBindings)) {
        for (const element of namedBindings.elements) names.add(element.name.text);
      } else if (namedBindings) {
        names.add(namedBindings.name.text);
      }
    } else if (
      'name' in statement &&
      statement.name &&
      ts.isIdentifier(statement.name as ts.Node)
    ) {
      names.add((statement.name as ts.Identifier).text);
    }
  }
  return names;
}

const sources = new Map<string, readonly Source[]>();

function sourcesOf(page: string): readonly Source[] {
  const known = sources.get(page);
  if (known) return known;
  const preludes = [basename(page, '.md').toLowerCase(), 'common']
    .map((name) => ({ name, path: join(HERE, `preludes/${name}.ts`) }))
    .filter(({ path }) => existsSync(path))
    .map(({ name, path }) => ({ specifier: `./preludes/${name}.js`, exports: exportsOf(path) }));
  const found = [...preludes, { specifier: 'nestjs-stem', exports: exportsOf(LIBRARY) }];
  sources.set(page, found);
  return found;
}

/** Read from the text alone: no program is needed to build the program. */
function exportsOf(path: string): Exports {
  const exports = new Map<string, boolean>();
  const text = readFileSync(path, 'utf8');
  for (const statement of ts.createSourceFile(path, text, ts.ScriptTarget.ES2022).statements) {
    if (ts.isExportDeclaration(statement) && statement.exportClause) {
      if (!ts.isNamedExports(statement.exportClause)) continue;
      for (const { name, isTypeOnly } of statement.exportClause.elements) {
        exports.set(name.text, isTypeOnly || statement.isTypeOnly);
      }
      continue;
    }
    const isExported =
      ts.canHaveModifiers(statement) &&
      ts.getModifiers(statement)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword);
    if (!isExported) continue;
    if (ts.isVariableStatement(statement)) {
      for (const { name } of statement.declarationList.declarations) {
        if (ts.isIdentifier(name)) exports.set(name.text, false);
      }
    } else if ('name' in statement && statement.name) {
      const isType = ts.isInterfaceDeclaration(statement) || ts.isTypeAliasDeclaration(statement);
      exports.set((statement.name as ts.Identifier).text, isType);
    }
  }
  return exports;
}

/** One program of all snippets and the library's sources, as strict as the library itself. */
export function programOf(snippets: readonly Snippet[]): ts.Program {
  const config = ts.readConfigFile(join(ROOT, 'tsconfig.json'), (path) =>
    readFileSync(path, 'utf8'),
  );
  const { options } = ts.parseJsonConfigFileContent(
    { ...(config.config as object), include: [] },
    ts.sys,
    ROOT,
  );
  const texts = new Map(snippets.map(({ fileName, text }) => [fileName, text]));
  const host = ts.createCompilerHost(options);
  const { fileExists, readFile, getSourceFile } = host;
  host.fileExists = (path) => texts.has(path) || fileExists.call(host, path);
  host.readFile = (path) => texts.get(path) ?? readFile.call(host, path);
  host.getSourceFile = (path, version, ...rest) => {
    const text = texts.get(path);
    return text === undefined
      ? getSourceFile.call(host, path, version, ...rest)
      : ts.createSourceFile(path, text, version);
  };
  return ts.createProgram([LIBRARY, ...texts.keys()], options, host);
}

/** What is wrong with the snippets, as `docs/tasks.md:12: …`. */
export function faultsIn(program: ts.Program, snippets: readonly Snippet[]): string[] {
  return snippets.flatMap(({ fileName, page, firstLine }) => {
    const file = program.getSourceFile(fileName);
    if (!file) return [`${page}:${firstLine}: not part of the program`];
    const diagnostics = [
      ...program.getSyntacticDiagnostics(file),
      ...program.getSemanticDiagnostics(file),
    ];
    return diagnostics.map(({ start = 0, messageText }) => {
      const line = firstLine + file.getLineAndCharacterOfPosition(start).line;
      return `${page}:${line}: ${ts.flattenDiagnosticMessageText(messageText, '\n  ')}`;
    });
  });
}

/** Where the interfaces of options are written. */
const OPTION_FILES = [
  'config/stem-options.ts',
  'core/task-options.ts',
  'core/retry-policy.ts',
  'client/enqueue-options.ts',
  'core/signals.ts',
];

/** Names of the properties of one of the library's interfaces of options. */
export function propertiesOf(name: string): string[] {
  for (const path of OPTION_FILES.map((file) => join(ROOT, 'libs/stem/src', file))) {
    const file = ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.ES2022);
    for (const statement of file.statements) {
      if (!ts.isInterfaceDeclaration(statement) || statement.name.text !== name) continue;
      return statement.members.map(({ name: member }) => (member as ts.Identifier).text);
    }
  }
  throw new Error(`No interface ${name} in ${OPTION_FILES.join(', ')}`);
}
