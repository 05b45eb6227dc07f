import { mkdtemp, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { transform } from '@swc/core';
import { install, packLibrary } from '../../packaging/support/npm.js';

const FIXTURES = join(__dirname, '../fixtures');

/** The packed library as a user has it: installed, beside an application compiled in both formats. */
export interface Installation {
  readonly folder: string;
  /** The program, by the link that npm makes. */
  readonly program: string;
  remove(): Promise<void>;
}

export async function createInstallation(): Promise<Installation> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'stem-cli-')));
  const tarball = await packLibrary(folder);
  await writeFile(
    join(folder, 'package.json'),
    JSON.stringify({
      private: true,
      dependencies: {
        '@nestjs/common': '12.5.1',
        '@nestjs/core': '12.5.1',
        ioredis: '6.0.0',
        'reflect-metadata': '0.2.2',
        rxjs: '7.8.2',
      },
    }),
  );
  await Promise.all([install(folder, tarball), compileApps(folder)]);
  return {
    folder,
    program: join(folder, 'node_modules/.bin/stem'),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

/** `esm/app.module.js`, `cjs/app.module.js`, … Types are not checked. */
async function compileApps(folder: string): Promise<void> {
  for (const format of ['esm', 'cjs'] as const) {
    const target = join(folder, format);
    mkdirSync(target);
    const type = format === 'esm' ? 'module' : 'commonjs';
    await writeFile(join(target, 'package.json'), JSON.stringify({ type }));
    for (const name of await readdir(FIXTURES)) {
      const { code } = await transform(await readFile(join(FIXTURES, name), 'utf8'), {
        filename: name,
        swcrc: false,
        jsc: {
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true },
          target: 'es2022',
          keepClassNames: true,
        },
        module: { type: format === 'esm' ? 'es6' : 'commonjs' },
      });
      await writeFile(join(target, name.replace(/\.ts$/, '.js')), code);
    }
  }
}
