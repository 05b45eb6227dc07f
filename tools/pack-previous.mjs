#!/usr/bin/env node
/**
 * `node tools/pack-previous.mjs <commit | packed.tgz>`: remakes the earlier build of the package that
 * `npm run test:chaos` runs beside the current one. To be called after a release, with its tarball.
 *
 * Only the compiled ES modules are kept: source maps and types would make the file five times as large.
 */
import { execFileSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const target = join(root, 'test/chaos/fixtures/nestjs-stem-previous.tgz');
const [origin] = process.argv.slice(2);

if (origin === undefined) {
  console.error('Say which: node tools/pack-previous.mjs <commit | packed.tgz>');
  process.exitCode = 1;
} else {
  const folder = mkdtempSync(join(tmpdir(), 'stem-pack-'));
  try {
    const tarball = origin.endsWith('.tgz') ? resolve(origin) : packCommit(origin, folder);
    strip(tarball, folder);
    console.log(`${target}: ${Math.round(statSync(target).size / 1024)} KiB`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function packCommit(commit, folder) {
  const tree = join(folder, 'tree');
  run('git', ['worktree', 'add', '--detach', tree, commit], root);
  try {
    symlinkSync(join(root, 'node_modules'), join(tree, 'node_modules'));
    run(process.execPath, ['tools/build.mjs', 'libs/stem'], tree);
    run(
      'npm',
      ['pack', '--silent', '--ignore-scripts', '--pack-destination', folder],
      join(tree, 'libs/stem'),
    );
    // So that the package says where it came from.
    const head = run('git', ['rev-parse', 'HEAD'], tree).trim();
    writeFileSync(join(folder, 'commit'), head);
  } finally {
    run('git', ['worktree', 'remove', '--force', tree], root);
  }
  return join(
    folder,
    readdirSync(folder).find((name) => name.endsWith('.tgz')),
  );
}

function strip(tarball, folder) {
  run('tar', ['-xzf', tarball, '-C', folder], root);
  const kept = readdirSync(join(folder, 'package/dist/esm'), { recursive: true })
    .filter((name) => /\.[cm]?js$/.test(name))
    .sort()
    .map((name) => `package/dist/esm/${name}`);
  const manifestFile = join(folder, 'package/package.json');
  const { name, version, type, license, gitHead } = JSON.parse(readFileSync(manifestFile, 'utf8'));
  const commit = readdirSync(folder).includes('commit')
    ? readFileSync(join(folder, 'commit'), 'utf8')
    : gitHead;
  const manifest = { name, version, type, license, gitHead: commit };
  writeFileSync(manifestFile, `${JSON.stringify(manifest, undefined, 2)}\n`);
  mkdirSync(join(target, '..'), { recursive: true });
  run('tar', ['-czf', target, '-C', folder, 'package/package.json', ...kept], root);
}

function run(command, args, cwd) {
  return execFileSync(command, args, {
    cwd,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}
