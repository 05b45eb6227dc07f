import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import ts from 'typescript';
import { ROOT } from './markdown.js';

/** All that a file exports, where nobody says what is used of it. */
const EVERYTHING = '*';

/** What tests use of each file: paths from the root of the repository, with names of exports. */
type Uses = ReadonlyMap<string, ReadonlySet<string>>;

/**
 * Follows what the specs below `examples` and `test` import and start, and what those files do. An import of
 * types is none. A file that is named otherwise, such as a built `dist/main.js`, is started or read.
 */
export function usedByTests(): Uses {
  const uses = new Map<string, Set<string>>(specs().map((path) => [path, new Set([EVERYTHING])]));
  const files = [...uses.keys()];
  for (const file of files) {
    for (const { path, names } of namedIn(file)) {
      const known = uses.get(path);
      if (!known) {
        uses.set(path, new Set(names));
        files.push(path);
      } else {
        for (const name of names) known.add(name);
      }
    }
  }
  return uses;
}

/** What of a file no test uses: itself, or values that it exports and does not use itself. */
export function unusedOf(path: string, uses: Uses): string[] {
  const used = uses.get(path);
  if (!used) return [path];
  if (used.has(EVERYTHING)) return [];
  const text = readFileSync(join(ROOT, path), 'utf8');
  return valuesExportedBy(path)
    .filter((name) => !used.has(name) && text.split(new RegExp(`\\b${name}\\b`)).length < 3)
    .map((name) => `${name} of ${path}`);
}

function specs(): string[] {
  return ['examples', 'test'].flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.spec.ts') && !/(^|\/)(dist|node_modules)\//.test(path))
      .map((path) => join(folder, path)),
  );
}

interface Named {
  readonly path: string;
  readonly names: readonly string[];
}

function namedIn(file: string): Named[] {
  if (!file.endsWith('.ts')) return [];
  const found: Named[] = [];
  const add = (specifier: ts.Node | undefined, names: readonly string[]): void => {
    if (!specifier || !ts.isStringLiteralLike(specifier)) return;
    const path = resolve(file, specifier.text);
    if (path !== undefined) found.push({ path, names });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) {
      const names = valuesImportedBy(node);
      if (names) add(node.moduleSpecifier, names);
    } else if (ts.isExportDeclaration(node)) {
      if (!node.isTypeOnly) add(node.moduleSpecifier, [EVERYTHING]);
    } else {
      add(node, [EVERYTHING]);
      ts.forEachChild(node, visit);
    }
  };
  ts.forEachChild(parse(file), visit);
  return found;
}

/** Nothing for an import that is gone when the program runs. */
function valuesImportedBy({ importClause }: ts.ImportDeclaration): string[] | undefined {
  if (!importClause) return [];
  if (importClause.isTypeOnly) return undefined;
  const { name, namedBindings } = importClause;
  const names = name ? ['default'] : [];
  if (namedBindings && ts.isNamespaceImport(namedBindings)) return [...names, EVERYTHING];
  for (const element of namedBindings?.elements ?? []) {
    if (!element.isTypeOnly) names.push((element.propertyName ?? element.name).text);
  }
  return names.length > 0 ? names : undefined;
}

function resolve(from: string, specifier: string): string | undefined {
  if (!/^\.\.?\/|^[\w-]+\.\w+$/.test(specifier)) return undefined;
  const path = join(dirname(from), specifier)
    .replace(/(^|\/)dist\//, '$1src/')
    .replace(/\.js$/, '.ts');
  const isFile = statSync(join(ROOT, path), { throwIfNoEntry: false })?.isFile() ?? false;
  return isFile && !path.startsWith('libs/') ? path : undefined;
}

function valuesExportedBy(path: string): string[] {
  return parse(path).statements.flatMap((statement) => {
    if (ts.isExportDeclaration(statement)) {
      const { exportClause, isTypeOnly } = statement;
      if (isTypeOnly || !exportClause || !ts.isNamedExports(exportClause)) return [];
      return exportClause.elements
        .filter((element) => !element.isTypeOnly)
        .map(({ name }) => name.text);
    }
    const isExported =
      ts.canHaveModifiers(statement) &&
      ts.getModifiers(statement)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword);
    if (!isExported || ts.isInterfaceDeclaration(statement) || ts.isTypeAliasDeclaration(statement))
      return [];
    if (ts.isVariableStatement(statement)) {
      return statement.declarationList.declarations.map(({ name }) => name.getText());
    }
    const { name } = statement as ts.FunctionDeclaration | ts.ClassDeclaration;
    return name ? [name.text] : ['default'];
  });
}

function parse(path: string): ts.SourceFile {
  const text = readFileSync(join(ROOT, path), 'utf8');
  return ts.createSourceFile(path, text, ts.ScriptTarget.ES2022, true);
}
