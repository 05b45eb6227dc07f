import { existsSync, statSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import { isAbsolute } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { StemConfigError } from '../core/errors.js';
import { parseByteSize } from '../core/size.js';
import { requireCount } from '../core/task-options.js';
import { refuseUnknownOptions, requireObject } from './checks.js';
import type { ResolvedIsolationOptions } from './resolved-config.js';
import type { IsolationOptions } from './stem-options.js';

const ISOLATION_OPTIONS = Object.keys({
  module: true,
  export: true,
  threads: true,
  maxTasksPerThread: true,
  maxMemoryPerThread: true,
} satisfies Record<keyof IsolationOptions, true>);

/** Less does not hold a Nest application. */
const MIN_THREAD_BYTES = 32 * 1_048_576;

/** What to write where the module is missing. */
export const MODULE_EXPECTED =
  "the absolute path or file URL of the compiled module that exports the application's root module; " +
  'in that module itself: `isolation: { module: import.meta.url }`, in CommonJS ' +
  '`isolation: { module: __filename }`';

/**
 * Checks `worker.isolation`, up to whether the file exists; what it exports shows when it is loaded.
 *
 * @throws {StemConfigError} naming the option at fault.
 */
export function resolveIsolation(
  isolation: unknown,
  concurrency: number,
): ResolvedIsolationOptions | undefined {
  if (isolation === undefined) return undefined;
  const prefix = 'worker.isolation';
  requireObject(isolation, prefix, `an object with ${ISOLATION_OPTIONS.join(', ')}`);
  const given = isolation as IsolationOptions;
  refuseUnknownOptions(given, ISOLATION_OPTIONS, `${prefix}.`);
  const exported: unknown = given.export;
  if (exported !== undefined && (typeof exported !== 'string' || exported === '')) {
    throw new StemConfigError({
      option: `${prefix}.export`,
      value: exported,
      expected: 'the name of an export',
    });
  }
  const optional = <T>(value: T | undefined, read: (value: T) => number): number | undefined =>
    value === undefined ? undefined : read(value);
  return {
    module: resolveModule(given.module, `${prefix}.module`),
    export: exported,
    threads: Math.min(
      concurrency,
      requireCount(given.threads ?? availableParallelism(), `${prefix}.threads`, 1, 1_000),
    ),
    maxTasksPerThread: optional(given.maxTasksPerThread, (value) =>
      requireCount(value, `${prefix}.maxTasksPerThread`, 1),
    ),
    maxMemoryPerThread: optional(given.maxMemoryPerThread, (value) =>
      parseByteSize(value, `${prefix}.maxMemoryPerThread`, {
        min: MIN_THREAD_BYTES,
        max: totalmem(),
      }),
    ),
  };
}

function resolveModule(value: unknown, option: string): string {
  const url = toFileUrl(value);
  if (!url) throw new StemConfigError({ option, value, expected: MODULE_EXPECTED });
  const path = fileURLToPath(url);
  if (!existsSync(path) || !statSync(path).isFile()) {
    throw new StemConfigError({
      option,
      value,
      expected: `a file that exists, which ${path} does not: ${MODULE_EXPECTED}`,
    });
  }
  return url.href;
}

function toFileUrl(value: unknown): URL | undefined {
  if (value instanceof URL) return value.protocol === 'file:' ? value : undefined;
  if (typeof value !== 'string') return undefined;
  if (isAbsolute(value)) return pathToFileURL(value);
  return value.startsWith('file://') && URL.canParse(value) ? new URL(value) : undefined;
}
