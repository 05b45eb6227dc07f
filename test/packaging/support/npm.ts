import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { run, succeed } from './command.js';

export const LIBRARY = resolve(__dirname, '../../../libs/stem');

const INSTALL_TIMEOUT_MS = 100_000;
const INSTALL_ATTEMPTS = 2;
const QUIET = ['--no-audit', '--no-fund', '--no-progress', '--loglevel=error'];

/** Packs the library, as built, into a folder; returns the path of the tarball. */
export async function packLibrary(folder: string): Promise<string> {
  if (!existsSync(join(LIBRARY, 'dist/esm/index.js'))) {
    throw new Error('The library is not built: run `npm run build` first');
  }
  // Without prepack, which would build again, under the feet of other tests.
  await succeed('npm', ['pack', '--ignore-scripts', '--pack-destination', folder], {
    cwd: LIBRARY,
  });
  const [tarball] = (await readdir(folder)).filter((name) => name.endsWith('.tgz'));
  return join(folder, tarball as string);
}

/** `npm install` in a folder, with these packages besides those of its package.json. */
export async function install(folder: string, ...packages: readonly string[]): Promise<void> {
  const args = [
    'install',
    ...['--prefix', folder],
    ...['--prefer-offline', '--ignore-scripts', '--save-exact', ...QUIET],
    ...packages,
  ];
  for (let attempt = 1; ; attempt++) {
    const options = { cwd: folder, timeoutMs: INSTALL_TIMEOUT_MS };
    const { code, output } = await run('npm', args, options);
    if (code === 0) return;
    // A registry may be out of order for a moment.
    if (attempt === INSTALL_ATTEMPTS) throw new Error(`npm ${args.join(' ')} failed:\n${output}`);
  }
}
