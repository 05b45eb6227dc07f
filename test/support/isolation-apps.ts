import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, extname, join, relative } from 'node:path';
import { transformSync } from '@swc/core';

const ROOT = join(__dirname, '../..');
const LIBRARY = join(ROOT, 'libs/stem');
const FIXTURES = join(ROOT, 'test/integration/fixtures/isolation');

/** The fixture application in each form in which a user may have it, beside the library as installed. */
export interface IsolationApps {
  readonly esm: string;
  readonly cjs: string;
  /** TypeScript, for the development runner. */
  readonly ts: string;
  /** What threads of the library run. */
  readonly threadEntry: string;
  remove(): void;
}

/** Compiles the library and the fixtures into a folder of their own. Types are not checked. */
export function buildIsolationApps(): IsolationApps {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'stem-isolation-')));
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  const apps = join(folder, 'apps');
  const installed = join(apps, 'node_modules/nestjs-stem');
  mkdirSync(installed, { recursive: true });
  cpSync(join(LIBRARY, 'package.json'), join(installed, 'package.json'));
  for (const format of ['esm', 'cjs'] as const) {
    compile(join(LIBRARY, 'src'), join(installed, 'dist', format), format);
    compile(FIXTURES, join(apps, format), format);
    for (const place of [join(installed, 'dist', format), join(apps, format)]) {
      const type = format === 'esm' ? 'module' : 'commonjs';
      writeFileSync(join(place, 'package.json'), JSON.stringify({ type }));
    }
  }
  const ts = join(apps, 'ts');
  cpSync(FIXTURES, ts, { recursive: true });
  writeFileSync(join(ts, 'package.json'), JSON.stringify({ type: 'module' }));
  cpSync(join(ROOT, 'tsconfig.base.json'), join(ts, 'tsconfig.json'));
  return {
    esm: join(apps, 'esm'),
    cjs: join(apps, 'cjs'),
    ts,
    threadEntry: join(installed, 'dist/esm/nest/isolation/thread-entry.js'),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

function compile(source: string, target: string, format: 'esm' | 'cjs'): void {
  for (const file of readdirSync(source, { recursive: true, withFileTypes: true })) {
    if (!file.isFile() || file.name.endsWith('.spec.ts') || file.name.endsWith('.lua')) continue;
    const path = join(file.parentPath, file.name);
    const output = join(target, relative(source, path));
    mkdirSync(dirname(output), { recursive: true });
    if (extname(path) !== '.ts') {
      cpSync(path, output);
      continue;
    }
    const { code } = transformSync(readFileSync(path, 'utf8'), {
      filename: path,
      swcrc: false,
      jsc: {
        parser: { syntax: 'typescript', decorators: true },
        transform: {
          legacyDecorator: true,
          decoratorMetadata: true,
          useDefineForClassFields: true,
        },
        target: 'es2022',
        keepClassNames: true,
      },
      module: { type: format === 'esm' ? 'es6' : 'commonjs' },
    });
    writeFileSync(output.replace(/\.ts$/, '.js'), code);
  }
}
