import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { endOnExit, onExit } from './on-exit.js';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const LIBRARY = 'nestjs-stem';

/** This benchmark with the library of another revision, in a temporary folder. */
export interface Revision {
  /** The benchmark's entry. */
  readonly main: string;
  /** Deletes the folder. */
  readonly remove: () => Promise<void>;
}

/**
 * Builds the library as it was, and puts today's benchmark beside it, so that both revisions do the same work. Their
 * dependencies are those that are installed.
 *
 * @throws {Error} when git does not know the revision, or it cannot be built.
 */
export async function checkOut(revision: string): Promise<Revision> {
  const folder = await mkdtemp(join(tmpdir(), 'stem-revision-'));
  const forget = onExit(() =>
    // What was writing there may need a moment to end.
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 }),
  );
  const remove = (): Promise<void> => {
    forget();
    return rm(folder, { recursive: true, force: true });
  };
  try {
    await run('git', ['archive', '--output', join(folder, 'tree.tar'), revision], ROOT);
    await run('tar', ['-xf', 'tree.tar'], folder);
    await linkDependencies(folder);
    await run(process.execPath, ['tools/build.mjs', 'libs/stem'], folder);
    const dist = join(folder, 'apps/bench/dist');
    await rm(dist, { recursive: true, force: true });
    await cp(join(ROOT, 'apps/bench/dist'), dist, { recursive: true });
    return { main: join(dist, 'main.js'), remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

async function linkDependencies(folder: string): Promise<void> {
  const from = join(ROOT, 'node_modules');
  const to = join(folder, 'node_modules');
  await mkdir(to);
  for (const name of await readdir(from)) {
    if (name !== LIBRARY) await symlink(join(from, name), join(to, name));
  }
  await symlink(join(folder, 'libs/stem'), join(to, LIBRARY));
}

/** Runs a command and fails with what it said. */
export function run(command: string, args: readonly string[], cwd: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    endOnExit(child, 'SIGTERM');
    let said = '';
    for (const output of [child.stdout, child.stderr]) {
      output.on('data', (text) => (said += String(text)));
    }
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      if (code === 0) resolve();
      else reject(new Error(`${command} ${args.join(' ')} ended with ${code ?? signal}.\n${said}`));
    });
  });
}
