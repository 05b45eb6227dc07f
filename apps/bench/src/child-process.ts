import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { ContenderName } from './contenders/index.js';
import type { Reading } from './meter.js';

/** What a worker process is asked to do. */
export interface WorkerJob {
  readonly contender: ContenderName;
  readonly url: string;
  readonly concurrency: number;
  /** Tasks that wait in the queue. */
  readonly tasks: number;
  /** How many of them are run before the measurement begins. */
  readonly warmUp: number;
}

/** How a producer process enqueues. */
export type EnqueueMode = 'awaited' | 'concurrent' | 'bulk';

/** What a producer process is asked to do. */
export interface ProducerJob {
  readonly contender: ContenderName;
  readonly url: string;
  readonly mode: EnqueueMode;
  /** Measured tasks. */
  readonly tasks: number;
  /** Tasks enqueued before the measurement begins. */
  readonly warmUp: number;
}

const TIME_LIMIT_MS = 300_000;

/** Every measurement has a process of its own: no contender inherits the heap or the hot code of another. */
export function runWorker(job: WorkerJob): Promise<Reading> {
  return run('worker-process.js', job);
}

export function runProducer(job: ProducerJob): Promise<Reading> {
  return run('producer-process.js', job);
}

function run(module: string, job: WorkerJob | ProducerJob): Promise<Reading> {
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(new URL(module, import.meta.url)), [JSON.stringify(job)], {
      // A Stem setting of whoever starts the benchmark must not count.
      env: withoutStemVariables(process.env),
    });
    let reading: Reading | undefined;
    const impatience = setTimeout(() => child.kill('SIGKILL'), TIME_LIMIT_MS);
    child.once('message', (message) => {
      reading = message as Reading;
    });
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      clearTimeout(impatience);
      if (code === 0 && reading) resolve(reading);
      else reject(new Error(`${module} ${JSON.stringify(job)} ended with ${code ?? signal}.`));
    });
  });
}

/** In a child: runs the job it was given and hands the outcome back. */
export async function answer<Job>(measure: (job: Job) => Promise<Reading>): Promise<void> {
  const reading = await measure(JSON.parse(process.argv[2] as string) as Job);
  // Started by hand, for a profiler, it has nobody to tell.
  if (!process.send) console.log(reading);
  else process.send(reading, () => process.disconnect());
}

function withoutStemVariables(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('STEM_')));
}
