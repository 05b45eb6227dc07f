import { existsSync } from 'node:fs';
import { Logger } from '@nestjs/common';
import { MODULE_EXPECTED } from '../../config/isolation.js';
import type { ResolvedWorkerOptions } from '../../config/resolved-config.js';
import { StemConfigError } from '../../core/errors.js';
import type { IsolatedRunner } from '../../worker/isolation/isolated-runner.js';
import { loggerOf, type StemRuntime } from '../stem-runtime.js';
import { threadEntry } from './native.cjs';

/**
 * Makes the threads for a Stem's isolated tasks and waits until the application has booted in one.
 * Without such tasks nothing is made, and nothing loaded.
 *
 * @throws {StemConfigError} when `worker.isolation` is missing, or its module cannot be booted.
 */
export async function createIsolatedRunner(
  runtime: StemRuntime,
  { isolation }: ResolvedWorkerOptions,
): Promise<IsolatedRunner | undefined> {
  const { config, registry } = runtime;
  const tasks = registry.list().filter(({ invoke, options }) => invoke && options.isolate);
  const [first] = tasks;
  if (!first) return undefined;
  if (!isolation) {
    throw new StemConfigError({
      option: 'worker.isolation.module',
      expected: `${MODULE_EXPECTED}; ${first.place} ('${first.name}') has \`isolate: true\``,
    });
  }
  if (!existsSync(threadEntry)) {
    throw new StemConfigError({
      option: `isolate of ${first.place}`,
      value: true,
      expected:
        `nestjs-stem to be installed as it was published, with ${threadEntry}; a bundler must leave ` +
        `it out (external), since threads load it from its file`,
    });
  }
  // Loaded here, so that an application without isolated tasks never loads the thread pool.
  const { ThreadPool } = await import('../../worker/isolation/thread-pool.js');
  const pool = new ThreadPool({
    entry: threadEntry,
    stem: config.name,
    options: isolation,
    resultBytes: config.limits.resultBytes,
    log: loggerOf(config, 'StemWorker'),
    storesOf: (stem) => (stem === config.name ? runtime : runtime.sibling(stem)),
    onAppLog: (level, [message, ...rest]) => Logger[level](message, ...rest),
  });
  try {
    await pool.start(tasks.map(({ name }) => name));
  } catch (error) {
    await pool.close({ graceful: false });
    throw error;
  }
  return pool;
}
