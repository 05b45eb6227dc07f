import { constants } from 'node:os';
import { type INestApplicationContext, Logger, type Type } from '@nestjs/common';
import { type Duration, parseDuration } from '../core/duration.js';
import { StemBeatHost } from './stem-beat-host.js';
import { StemWorkerHost } from './stem-worker-host.js';

/** Options of {@link gracefulShutdown}. */
export interface GracefulShutdownOptions {
  /** How long running tasks may take to end. Default: each worker's `drainTimeout`, 25 s. */
  readonly grace?: Duration;
}

const SIGNALS = ['SIGTERM', 'SIGINT'] as const;

/**
 * A second SIGINT this soon is the same Ctrl-C: the terminal sends it to all processes, and npm sends it once
 * more to the one that it started.
 */
const ECHO_MS = 500;

/**
 * Ends the process in good order on SIGTERM or SIGINT: drains the workers while the rest of the
 * application still lives, then closes the application, then exits with 0. Tasks that are not done in
 * time go back to their queue. A second signal ends the process at once, with 128 + its number; only a
 * second SIGINT within half a second is taken for an echo of the first, as npm makes one of Ctrl-C.
 *
 * Use it instead of `app.enableShutdownHooks()`, which would end the application under the handlers.
 *
 * @returns a function that gives the signals back.
 * @throws {StemConfigError} when `grace` is no duration.
 */
export function gracefulShutdown(
  app: INestApplicationContext,
  options: GracefulShutdownOptions = {},
): () => void {
  const graceMs = options.grace === undefined ? undefined : parseDuration(options.grace, 'grace');
  const log = new Logger('Stem');
  let ending: { readonly signal: string; readonly since: number } | undefined;

  const onSignal = (signal: (typeof SIGNALS)[number]): void => {
    if (ending) {
      const isEcho =
        signal === 'SIGINT' &&
        ending.signal === signal &&
        performance.now() - ending.since < ECHO_MS;
      if (!isEcho) process.exit(128 + constants.signals[signal]);
      return;
    }
    ending = { signal, since: performance.now() };
    log.log(`${signal}: draining; once more ends at once`);
    end().then(
      () => process.exit(0),
      (error: unknown) => {
        log.error(`Ending failed: ${error instanceof Error ? error.stack : String(error)}`);
        process.exit(1);
      },
    );
  };

  const end = async (): Promise<void> => {
    const drained = await Promise.allSettled([
      ...hostsOf(app, StemBeatHost).map((host) => host.stop()),
      ...hostsOf(app, StemWorkerHost).map((host) => host.drain(graceMs)),
    ]);
    // Everybody else gets their hooks even when a worker could not be drained.
    await app.close();
    for (const one of drained) if (one.status === 'rejected') throw one.reason;
  };

  for (const signal of SIGNALS) process.on(signal, onSignal);
  return () => {
    for (const signal of SIGNALS) process.off(signal, onSignal);
  };
}

function hostsOf<T>(app: INestApplicationContext, type: Type<T>): T[] {
  try {
    return app.get(type, { strict: false, each: true });
  } catch {
    return []; // Nest throws when no module has one
  }
}
