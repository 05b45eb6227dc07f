/** A program of a `WorkerProcess`: a client that enqueues one large batch, and is killed where it is told. */
import type { DeathOptions } from './die-at-fault-point.js';
import './die-at-fault-point.js';
import { redisStem } from './stem.js';
import type { WorkerProcessOptions } from './worker-process.js';

/** What a test may say of it, besides what every worker process is told. */
export interface BatchProgramOptions extends WorkerProcessOptions, DeathOptions {
  readonly tasks: number;
  /** Length of the text that each task is given, besides its number `n`. */
  readonly textLength: number;
}

const options = JSON.parse(process.argv[1] ?? '{}') as BatchProgramOptions;

const main = async (): Promise<void> => {
  const stem = await redisStem(options.redisUrl, options.namespace);
  stem.task('echo', undefined);
  process.stdout.write('ready\n');
  const text = 'x'.repeat(options.textLength);
  await stem.client.enqueueMany(
    Array.from({ length: options.tasks }, (_, n) => ({ task: 'echo', args: { n, text } })),
  );
  process.stdout.write('accepted\n');
};

main().catch((error: unknown) => {
  console.error(error);
  process.exit(1);
});
