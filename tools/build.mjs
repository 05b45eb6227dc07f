#!/usr/bin/env node
/**
 * `node tools/build.mjs [folder…]`: builds the library, then every app and example that has a build
 * script, or only the named folders.
 *
 * The library is compiled twice (ESM and CommonJS) from one source; see libs/stem/package.json.
 */
import { spawn } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleCommandLine } from './bundle-cli.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const LIBRARY = 'libs/stem';
const HAND_WRITTEN = /\.[cm]js$|\.d\.[cm]ts$/;

const requested = process.argv.slice(2);
const folders = requested.length > 0 ? requested : [LIBRARY, ...buildableFolders()];

try {
  for (const folder of folders) {
    if (folder === LIBRARY) await buildLibrary();
    else await run('npm', ['run', '--silent', 'build', '--workspace', folder]);
  }
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}

async function buildLibrary() {
  const source = join(root, LIBRARY, 'src');
  const outputs = ['esm', 'cjs'].map((format) => join(root, LIBRARY, 'dist', format));

  for (const output of outputs) removeOutputWithoutSource(output, source);
  const compilations = await Promise.allSettled([
    run('nest', ['build', 'stem']),
    run('tsc', ['-p', join(LIBRARY, 'tsconfig.cjs.json')]),
  ]);
  for (const { status, reason } of compilations) if (status === 'rejected') throw reason;
  for (const output of outputs) copyHandWrittenModules(source, output);
  await bundleCommandLine(join(root, LIBRARY));
  writeFileSync(join(root, LIBRARY, 'dist/cjs/package.json'), '{ "type": "commonjs" }\n');
}

/** An incremental build never deletes: without this a renamed module would still be published. */
function removeOutputWithoutSource(output, source) {
  for (const file of filesBelow(output)) {
    const path = relative(output, file);
    const compiled = /^(.+?)(\.js|\.js\.map|\.d\.ts)$/.exec(path);
    if (compiled === null && !HAND_WRITTEN.test(path)) continue;
    const origin = compiled === null ? path : `${compiled[1]}.ts`;
    if (!existsSync(join(source, origin))) rmSync(file);
  }
}

/** `.cjs` and `.mjs` files mean the same in both formats, so tsc never touches them. */
function copyHandWrittenModules(source, output) {
  for (const file of filesBelow(source)) {
    if (!HAND_WRITTEN.test(file)) continue;
    const target = join(output, relative(source, file));
    mkdirSync(dirname(target), { recursive: true });
    copyFileSync(file, target);
  }
}

function filesBelow(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

function buildableFolders() {
  return ['apps', 'examples'].flatMap((group) => {
    if (!existsSync(join(root, group))) return [];
    return readdirSync(join(root, group))
      .map((name) => `${group}/${name}`)
      .filter((folder) => {
        const manifest = join(root, folder, 'package.json');
        return (
          existsSync(manifest) && 'build' in (JSON.parse(readFileSync(manifest)).scripts ?? {})
        );
      });
  });
}

function run(command, args) {
  return new Promise((resolve, reject) => {
    const bin = join(root, 'node_modules/.bin');
    const child = spawn(command, args, {
      cwd: root,
      stdio: 'inherit',
      env: { ...process.env, PATH: `${bin}:${process.env.PATH}` },
    });
    child.on('error', reject);
    child.on('exit', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`failed: ${command} ${args.join(' ')}`));
    });
  });
}
