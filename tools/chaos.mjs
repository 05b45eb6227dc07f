#!/usr/bin/env node
/**
 * `npm run test:chaos -- [--minutes n] [--seed n] [--keep]`: builds the library, compiles the programs
 * of test/chaos against the build, and runs them.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { transformSync } from '@swc/core';
import { ensureRedisServer } from './ensure-redis-server.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const sources = join(root, 'test/chaos');
const programs = join(root, 'test/chaos/dist');
const library = join(root, 'libs/stem/dist/esm');

process.exitCode = main(process.argv.slice(2));

function main(args) {
  const missing = ensureRedisServer();
  if (missing !== undefined) {
    console.error(missing);
    return 1;
  }
  const built = run('tools/build.mjs', 'libs/stem');
  if (built !== 0) return built;
  rmSync(programs, { recursive: true, force: true });
  for (const name of readdirSync(sources)) {
    if (name.endsWith('.ts') && !name.endsWith('.spec.ts')) compile(join(sources, name), name);
  }
  compile(join(root, 'test/support/redis-server.ts'), 'redis-server.ts');
  return run(join(programs, 'main.js'), ...args);
}

/** As published packages are used: what the sources import from the library comes from its build. */
function compile(source, name) {
  const target = join(programs, name.replace(/\.ts$/, '.js'));
  const text = readFileSync(source, 'utf8')
    .replaceAll("'../support/redis-server.js'", "'./redis-server.js'")
    .replaceAll("'../../libs/stem/src/", `'${relative(dirname(target), library)}/`)
    .replaceAll("'nestjs-stem'", `'${relative(dirname(target), library)}/index.js'`);
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
  mkdirSync(programs, { recursive: true });
  writeFileSync(target, code);
}

function run(...args) {
  const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' });
  return status ?? 1;
}
