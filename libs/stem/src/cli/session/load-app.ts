import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type * as NestCommonNamespace from '@nestjs/common';
import type { INestApplicationContext, LoggerService, LogLevel } from '@nestjs/common';
import type * as NestCoreNamespace from '@nestjs/core';
import { type ProcessOverrides, overrideProcess } from '../../config/process-overrides.js';
import { DEFAULT_STEM_NAME } from '../../config/resolve-options.js';
import type { WorkerOptions } from '../../config/stem-options.js';
import { getRuntimeToken } from '../../nest/inject-stem.decorator.js';
import { loadRootModule } from '../../nest/isolation/load-root-module.js';
import { importNative } from '../../nest/isolation/native.cjs';
import type { StemRuntime } from '../../nest/stem-runtime.js';
import { CliError, usageError } from '../framework/cli-error.js';
import type { GlobalOptions } from '../framework/global-options.js';
import { connectionOptions } from './connection-options.js';

/** What an application is booted for. */
export interface BootOptions extends Pick<ProcessOverrides, 'worker' | 'beat' | 'connect'> {
  /** Over those of the application. */
  readonly workerOptions?: WorkerOptions;
  /** Made of the application's own Nest. */
  readonly logger: (nest: NestCommon) => LoggerService | LogLevel[];
}

/** An application of a user, booted here. */
export interface LoadedApp {
  readonly app: INestApplicationContext;
  readonly runtime: StemRuntime;
  /** Loads a package as the application would: its Nest and its copy of this library. */
  readonly load: (name: string) => Promise<Record<string, unknown>>;
}

/**
 * Boots a user's application from its compiled root module, in either format, with only those parts
 * of its Stems that are asked for.
 */
export async function loadApp(globals: GlobalOptions, boot: BootOptions): Promise<LoadedApp> {
  const { app: given } = globals;
  if (given === undefined) {
    throw usageError('Which application? Give --app and the compiled file of its root module.');
  }
  const file = resolve(given);
  if (!existsSync(file)) {
    throw usageError(`--app is '${given}', which does not exist here. Is the application built?`);
  }
  const stem = globals.stem ?? DEFAULT_STEM_NAME;
  overrideProcess({
    worker: boot.worker,
    beat: boot.beat,
    connect: boot.connect,
    stem,
    options: {
      ...connectionOptions(globals),
      ...(boot.workerOptions ? { worker: boot.workerOptions } : {}),
    },
  });
  const root = await readRoot(file, globals.export);
  const { resolve: resolveFrom } = createRequire(file);
  const load = async (name: string): Promise<Record<string, unknown>> =>
    importNative(pathToFileURL(resolveFrom(name)).href);
  const { NestFactory } = (await load('@nestjs/core')) as unknown as NestCore;
  const app = await NestFactory.createApplicationContext(root, {
    logger: boot.logger((await load('@nestjs/common')) as unknown as NestCommon),
    abortOnError: false,
  });
  return { app, runtime: await runtimeOf(app, stem, given), load };
}

type NestCore = typeof NestCoreNamespace;
export type NestCommon = typeof NestCommonNamespace;

async function readRoot(file: string, name: string | undefined) {
  try {
    return await loadRootModule(pathToFileURL(file).href, name, {
      module: '--app',
      export: '--export',
    });
  } catch (cause) {
    if ((cause as { code?: unknown }).code === 'STEM_CONFIG_INVALID') throw cause;
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new CliError(
      `${file} could not be loaded: ${message}. --app takes the compiled JavaScript of the module.`,
      { cause },
    );
  }
}

async function runtimeOf(
  app: INestApplicationContext,
  stem: string,
  file: string,
): Promise<StemRuntime> {
  try {
    return app.get<StemRuntime>(getRuntimeToken(stem), { strict: false });
  } catch (cause) {
    await app.close();
    throw new CliError(
      stem === DEFAULT_STEM_NAME
        ? `The application of ${file} has no StemModule, or only named ones: import StemModule.forRoot(), or give --stem <name>.`
        : `The application of ${file} has no Stem named '${stem}'.`,
      { exitCode: 64, cause },
    );
  }
}
