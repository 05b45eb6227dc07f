#!/usr/bin/env node
/** Checks the rules of .dependency-cruiser.cjs on the source folders that exist. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const folders = ['libs', 'apps', 'examples', 'test'].filter((folder) => existsSync(root + folder));

const { status } = spawnSync(
  process.execPath,
  [
    'node_modules/dependency-cruiser/bin/dependency-cruise.mjs',
    '--config',
    '.dependency-cruiser.cjs',
    ...folders,
  ],
  { cwd: root, stdio: 'inherit' },
);
process.exitCode = status ?? 1;
