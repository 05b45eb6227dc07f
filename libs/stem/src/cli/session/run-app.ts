import type { INestApplicationContext, LoggerService, LogLevel } from '@nestjs/common';
import type { SignalBus } from '../../core/signals.js';
import type { Duration } from '../../core/duration.js';
import type { GlobalOptions } from '../framework/global-options.js';
import { type BootOptions, type LoadedApp, loadApp, type NestCommon } from './load-app.js';

/** What runs in this process, and how. */
export interface RunOptions extends Pick<BootOptions, 'worker' | 'beat' | 'workerOptions'> {
  /** How long running tasks may take to end. */
  readonly grace: Duration | undefined;
  /** Adds a line to the log for each task and tick. */
  readonly narrate: (signals: Pick<SignalBus, 'on'>, log: LoggerService) => void;
}

/**
 * Runs an application until a signal, or a shutdown by the control plane, ends it in good order; the
 * process ends with it.
 */
export async function runApp(globals: GlobalOptions, options: RunOptions): Promise<never> {
  const { worker, beat, workerOptions, grace } = options;
  const { app, runtime, load } = await loadApp(globals, {
    worker,
    beat,
    connect: true,
    ...(workerOptions ? { workerOptions } : {}),
    logger: ({ ConsoleLogger }) =>
      new ConsoleLogger({
        json: globals.json,
        colors: !globals.json && process.stdout.isTTY && process.stdout.hasColors(),
        logLevels: LEVELS,
      }),
  });
  const { Logger } = (await load('@nestjs/common')) as unknown as NestCommon;
  const log = new Logger(worker ? 'StemWorker' : 'StemBeat');
  options.narrate(runtime.client.signals, log);
  const { gracefulShutdown } = (await load('nestjs-stem')) as unknown as Library;
  const ignoreSignals = gracefulShutdown(app, grace === undefined ? {} : { grace });
  if (worker) endWithWorker(app, runtime, log, ignoreSignals);
  return new Promise<never>(() => undefined);
}

interface Library {
  readonly gracefulShutdown: (
    app: INestApplicationContext,
    options: { grace?: Duration },
  ) => () => void;
}

const LEVELS: LogLevel[] = ['log', 'warn', 'error', 'fatal'];

/** Nothing is left to do here when the worker was told to stop from elsewhere. */
function endWithWorker(
  app: INestApplicationContext,
  { client }: LoadedApp['runtime'],
  log: LoggerService,
  ignoreSignals: () => void,
): void {
  client.signals.on('workerShutdown', () => {
    log.log('The worker has stopped: ending.');
    ignoreSignals();
    app.close().then(
      () => process.exit(0),
      () => process.exit(1),
    );
  });
}
