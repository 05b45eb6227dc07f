#!/usr/bin/env node
/**
 * `npm run test:chaos -- [--minutes n] [--seed n] [--only stage] [--keep]`: builds the library, compiles
 * the programs of test/chaos against this build and against an earlier one, and runs them.
 */
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { transformSync } from '@swc/core';
import { ensurePrograms } from './ensure-programs.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const sources = [join(root, 'test/chaos'), join(root, 'test/support')];
const SUPPORT = ['redis-server.ts', 'redis-sentinel.ts'];
const built = join(root, 'libs/stem/dist/esm');
/** See tools/pack-previous.mjs. */
const previous = join(root, 'test/chaos/fixtures/nestjs-stem-previous.tgz');

process.exitCode = main(process.argv.slice(2));

function main(args) {
  const missing = ensurePrograms();
  if (missing !== undefined) {
    console.error(missing);
    return 1;
  }
  const failed = run('tools/build.mjs', 'libs/stem');
  if (failed !== 0) return failed;

  // A folder of its own, so that runs at the same time and new builds do not get into each other's way.
  // Below the root, where the dependencies of the library are found.
  const runs = join(root, 'test/chaos/dist');
  mkdirSync(runs, { recursive: true });
  const folder = mkdtempSync(join(runs, 'run-'));
  compileAgainst(join(folder, 'current'), (library) => {
    cpSync(built, library, { recursive: true, filter: (file) => !/\.(map|d\.ts)$/.test(file) });
  });
  compileAgainst(join(folder, 'previous'), (library) => {
    mkdirSync(library, { recursive: true });
    const tar = ['-xzf', previous, '-C', library, '--strip-components', '3', 'package/dist/esm'];
    const { status } = spawnSync('tar', tar, { stdio: 'inherit' });
    if (status !== 0) throw new Error(`${previous} cannot be unpacked`);
  });

  const keeps = args.includes('--keep');
  // An interrupt ends the run first; what it leaves is removed here.
  process.on('SIGINT', () => undefined);
  const status = run(
    join(folder, 'current/main.js'),
    folder,
    ...args.filter((arg) => arg !== '--keep'),
  );
  if (keeps) console.log(`Everything is left in ${folder}`);
  else if (status === 0 || !existsSync(join(folder, 'ledgers')))
    rmSync(folder, { recursive: true });
  return status;
}

/** @param install puts a build of the library into a folder. */
function compileAgainst(programs, install) {
  install(join(programs, 'library'));
  for (const folder of sources) {
    for (const name of readdirSync(folder)) {
      if (!name.endsWith('.ts') || name.endsWith('.spec.ts')) continue;
      if (folder === sources[1] && !SUPPORT.includes(name)) continue;
      compile(join(folder, name), join(programs, name.replace(/\.ts$/, '.js')));
    }
  }
}

/** As published packages are used: what the sources import from the library comes from its build. */
function compile(source, target) {
  const text = readFileSync(source, 'utf8')
    .replaceAll("'../support/", "'./")
    .replaceAll("'../../libs/stem/src/", "'./library/")
    .replaceAll("'nestjs-stem'", "'./library/index.js'");
  const { code } = transformSync(text, {
    filename: source,
    sourceMaps: 'inline',
    jsc: {
      parser: { syntax: 'typescript', decorators: true },
      transform: { legacyDecorator: true, decoratorMetadata: true },
      target: 'es2022',
      keepClassNames: true,
    },
    module: { type: 'es6' },
  });
  writeFileSync(target, code);
}

function run(...args) {
  const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' });
  return status ?? 1;
}
