import type { LoggerService } from '@nestjs/common';
import { usageError } from '../framework/cli-error.js';
import type { GlobalOptions } from '../framework/global-options.js';
import { note } from '../output/print.js';
import { loadApp } from './load-app.js';
import type { Session } from './session.js';

/** Opens the Stem of an application: its options apply, its tasks are known, and nothing of it works. */
export async function openAppSession(globals: GlobalOptions): Promise<Session> {
  const { app, runtime } = await loadApp(globals, {
    worker: false,
    beat: false,
    connect: true,
    logger: () => QUIET,
  });
  if (runtime.config.broker.kind === 'memory') {
    await app.close();
    throw usageError(
      'This application keeps its tasks in memory, in each of its processes: nothing of another one ' +
        'can be reached from here. Set STEM_BROKER_URL, or give --broker redis://host:6379.',
    );
  }
  return { stem: runtime.client, broker: runtime.broker, close: () => app.close() };
}

/** stdout belongs to the command. */
export const QUIET: LoggerService = {
  log: () => undefined,
  warn: note,
  error: note,
  fatal: note,
};
