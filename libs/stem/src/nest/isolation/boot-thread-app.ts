import { NestFactory } from '@nestjs/core';
import { enqueueChild } from '../../client/child-task.js';
import type { ThreadStart } from '../../worker/isolation/protocol.js';
import type { ThreadApp } from '../../worker/isolation/thread.js';
import type { ThreadPort } from '../../worker/isolation/thread-port.js';
import { getRuntimeToken } from '../inject-stem.decorator.js';
import type { StemRuntime } from '../stem-runtime.js';
import { loadRootModule } from './load-root-module.js';
import { ThreadLogger } from './thread-logger.js';

/** Boots the application in this thread: everything but servers, workers and Beats. */
export async function bootThreadApp(start: ThreadStart, port: ThreadPort): Promise<ThreadApp> {
  const root = await loadRootModule(start.module, start.export);
  const logger = new ThreadLogger(port);
  const app = await NestFactory.createApplicationContext(root, { logger, abortOnError: false });
  logger.open();
  const { client, registry } = app.get<StemRuntime>(getRuntimeToken(start.stem), { strict: false });
  return {
    tasks: registry.list().filter(({ invoke }) => invoke !== undefined),
    enqueueChild: ({ id, headers, meta }, task, args, options) =>
      enqueueChild(client, { envelope: { id, headers, meta } }, task, args, options),
    close: () => app.close(),
  };
}
