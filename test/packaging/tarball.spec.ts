import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { builtinModules } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, normalize, relative } from 'node:path';
import ts from 'typescript';
import { succeed } from './support/command.js';
import { LIBRARY, packLibrary } from './support/npm.js';

/* What is published: all of the library, nothing else, and nothing that points nowhere. */

interface Manifest {
  readonly main: string;
  readonly types: string;
  readonly bin?: Readonly<Record<string, string>>;
  readonly exports: Readonly<Record<string, string | Conditions>>;
  readonly typesVersions?: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;
  readonly scripts: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta: Readonly<Record<string, { readonly optional?: boolean }>>;
}
type Conditions = Readonly<Record<string, Readonly<Record<'types' | 'default', string>>>>;

/** Peers that an entry point may need as soon as it is imported. */
const OPTIONAL_PEERS_OF: Readonly<Record<string, readonly string[]>> = {
  './cli': ['nest-commander'],
  './terminus': ['@nestjs/terminus'],
};

let folder: string;
let contents: string;
let files: string[];
let manifest: Manifest;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stem-tarball-'));
  const tarball = await packLibrary(folder);
  contents = join(folder, 'contents');
  await mkdir(contents);
  await succeed('tar', ['-xzf', tarball, '-C', contents, '--strip-components=1'], { cwd: folder });
  files = await filesBelow(contents);
  manifest = JSON.parse(await readFile(join(contents, 'package.json'), 'utf8')) as Manifest;
});

afterAll(() => rm(folder, { recursive: true, force: true }));

async function filesBelow(root: string): Promise<string[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)));
}

function read(file: string): string {
  return readFileSync(join(contents, file), 'utf8');
}

it('holds every module, compiled twice, and nothing else', async () => {
  const sources = await filesBelow(join(LIBRARY, 'src'));
  const modules = sources.filter((file) => /(?<!\.spec|\.d)\.ts$/.test(file));
  const handWritten = sources.filter((file) => /\.[cm]js$|\.d\.[cm]ts$/.test(file));
  const compiled = ['esm', 'cjs'].flatMap((format) => [
    ...modules
      .map((file) => file.replace(/\.ts$/, ''))
      .flatMap((name) => ['.js', '.js.map', '.d.ts'].map((end) => `dist/${format}/${name}${end}`)),
    ...handWritten.map((file) => `dist/${format}/${file}`),
  ]);
  const expected = [
    ...['LICENSE', 'README.md', 'package.json', 'dist/cjs/package.json'],
    ...['dist/bin/stem.cjs', 'dist/bin/program.cjs', 'dist/bin/LICENSES.txt'],
    ...compiled,
  ];
  expect(files.sort()).toEqual(expected.sort());
});

it('maps every compiled module to a source that travels in the map', () => {
  const compiled = files.filter((file) => file.endsWith('.js'));
  const faults = compiled.filter((file) => {
    const mapFile = /\n\/\/# sourceMappingURL=(\S+)\s*$/.exec(read(file))?.[1];
    if (mapFile === undefined) return true;
    const map = JSON.parse(read(join(dirname(file), mapFile))) as {
      sources: string[];
      sourcesContent?: string[];
    };
    return map.sources.length !== map.sourcesContent?.length;
  });
  expect(compiled.length).toBeGreaterThan(0);
  expect(faults).toEqual([]);
});

it('exports each entry point of the sources, and no other', async () => {
  const sources = await filesBelow(join(LIBRARY, 'src'));
  const entryPoints = sources
    .filter((file) => /^([^/]+\/)?index\.ts$/.test(file))
    .map((file) => `./${dirname(file)}`.replace(/^\.\/\.$/, '.'));
  const exported = Object.keys(manifest.exports).filter((subpath) => !subpath.endsWith('.json'));
  expect(exported.sort()).toEqual(entryPoints.sort());
  // Compilers that do not read `exports` find the types of subpaths here.
  expect(Object.keys(manifest.typesVersions?.['*'] ?? {}).sort()).toEqual(
    exported.filter((subpath) => subpath !== '.').map((subpath) => subpath.slice(2)),
  );
});

it('points to files that exist, types first, ES modules where both kinds are understood', () => {
  const targets = [
    manifest.main,
    manifest.types,
    ...Object.values(manifest.bin ?? {}),
    ...Object.values(manifest.typesVersions?.['*'] ?? {}).flat(),
  ];
  for (const [subpath, conditions] of Object.entries(manifest.exports)) {
    if (typeof conditions === 'string') {
      targets.push(conditions);
      continue;
    }
    expect({ subpath, conditions: Object.keys(conditions) }).toEqual({
      subpath,
      conditions: ['module-sync', 'import', 'default'],
    });
    for (const [condition, target] of Object.entries(conditions)) {
      const format = condition === 'default' ? 'cjs' : 'esm';
      expect(Object.keys(target)).toEqual(['types', 'default']);
      expect(target.types).toBe(target.default.replace(/\.js$/, '.d.ts'));
      expect(target.default).toMatch(new RegExp(`^\\./dist/${format}/`));
      targets.push(target.types, target.default);
    }
  }
  expect(targets.filter((target) => !existsSync(join(contents, target)))).toEqual([]);
});

it('runs nothing when it is installed', () => {
  const scripts = Object.keys(manifest.scripts);
  expect(scripts.filter((name) => /^(pre|post)?install$|^prepare$/.test(name))).toEqual([]);
});

it('names the licence of everything that is bundled', () => {
  const licenses = read('dist/bin/LICENSES.txt');
  for (const name of ['nest-commander', 'commander', '@nestjs/core', 'cli-table3', 'yaml']) {
    expect(licenses).toMatch(new RegExp(`^${name} \\d+\\.\\d+\\.\\d+ \\((MIT|ISC)\\)$`, 'm'));
  }
});

describe('its imports', () => {
  type Import = { readonly specifier: string; readonly eager: boolean };
  const imports = new Map<string, Import[]>();

  /** What a module imports, and whether that happens as soon as the module is loaded. */
  function importsOf(file: string): Import[] {
    const known = imports.get(file) ?? readImports(file);
    imports.set(file, known);
    return known;
  }

  function readImports(file: string): Import[] {
    const source = ts.createSourceFile(file, read(file), ts.ScriptTarget.Latest);
    const found: Import[] = [];
    const visit = (node: ts.Node, eager: boolean): void => {
      const specifier = specifierOf(node);
      if (specifier !== undefined) {
        const lazily =
          ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword;
        found.push({ specifier, eager: eager && !lazily });
      }
      const inside = eager && !ts.isFunctionLike(node);
      ts.forEachChild(node, (child) => visit(child, inside));
    };
    visit(source, true);
    return found;
  }

  function specifierOf(node: ts.Node): string | undefined {
    let specifier: ts.Node | undefined;
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) {
      specifier = node.moduleSpecifier;
    } else if (ts.isImportTypeNode(node)) {
      specifier = ts.isLiteralTypeNode(node.argument) ? node.argument.literal : undefined;
    } else if (ts.isCallExpression(node)) {
      const { expression } = node;
      const loads =
        expression.kind === ts.SyntaxKind.ImportKeyword ||
        (ts.isIdentifier(expression) && expression.text === 'require');
      specifier = loads ? node.arguments[0] : undefined;
    }
    return specifier && ts.isStringLiteralLike(specifier) ? specifier.text : undefined;
  }

  function packageOf(specifier: string): string | undefined {
    if (/^(\.|node:)/.test(specifier) || builtinModules.includes(specifier)) return undefined;
    return /^(@[^/]+\/)?[^/]+/.exec(specifier)?.[0];
  }

  const isCode = (file: string): boolean => /\.([cm]?js|d\.[cm]?ts)$/.test(file);

  it('are files of the package, of Node, or of packages that it declares', () => {
    const declared = { ...manifest.dependencies, ...manifest.peerDependencies };
    const faults: string[] = [];
    for (const file of files.filter(isCode)) {
      for (const { specifier } of importsOf(file)) {
        const name = packageOf(specifier);
        const target = file.endsWith('.ts') ? specifier.replace(/\.js$/, '.d.ts') : specifier;
        const isThere = specifier.startsWith('.')
          ? existsSync(join(contents, dirname(file), target))
          : name === undefined || name in declared;
        if (!isThere) faults.push(`${file}: ${specifier}`);
      }
    }
    expect(faults).toEqual([]);
  });

  it('load an optional peer only when it is needed', () => {
    const optional = Object.keys(manifest.peerDependenciesMeta).filter(
      (name) => manifest.peerDependenciesMeta[name]?.optional === true,
    );
    const faults: string[] = [];
    for (const [subpath, conditions] of Object.entries(manifest.exports)) {
      if (typeof conditions === 'string') continue;
      const allowed = OPTIONAL_PEERS_OF[subpath] ?? [];
      for (const entry of Object.values(conditions).flatMap((target) => Object.values(target))) {
        for (const file of loadedWith(entry)) {
          for (const name of importsOf(file).map(({ specifier }) => packageOf(specifier) ?? '')) {
            if (optional.includes(name) && !allowed.includes(name)) {
              faults.push(`${entry} loads ${name} by ${file}`);
            }
          }
        }
      }
    }
    expect(optional).toContain('ioredis');
    expect(faults).toEqual([]);
  });

  /** The files that are loaded as soon as this one is. */
  function loadedWith(entry: string): Set<string> {
    const loaded = new Set<string>();
    const waiting = [normalize(entry)];
    for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
      if (loaded.has(file)) continue;
      loaded.add(file);
      for (const { specifier, eager } of importsOf(file)) {
        if (!eager || !specifier.startsWith('.')) continue;
        const target = file.endsWith('.ts') ? specifier.replace(/\.js$/, '.d.ts') : specifier;
        waiting.push(join(dirname(file), target));
      }
    }
    return loaded;
  }
});
