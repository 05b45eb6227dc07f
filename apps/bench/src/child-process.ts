import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { ContenderName } from './contenders/index.js';
import type { Load } from './load.js';
import { endOnExit } from './on-exit.js';

/** What every child process is told. */
export interface Job {
  readonly contender: ContenderName;
  readonly url: string;
  readonly load: Load;
}

const TIME_LIMIT_MS = 600_000;

/**
 * Runs a module as a process and returns what it answers. Every measurement has a process of its own: no
 * contender inherits the heap or the hot code of another.
 *
 * @param module its file in this folder, without extension.
 */
export function runChild<Answer>(module: string, job: object): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const file = fileURLToPath(new URL(`processes/${module}.js`, import.meta.url));
    const child = fork(file, [JSON.stringify(job)], {
      // A Stem setting of whoever starts the benchmark must not count.
      env: withoutStemVariables(process.env),
    });
    endOnExit(child, 'SIGKILL');
    let answer: Answer | undefined;
    const impatience = setTimeout(() => child.kill('SIGKILL'), TIME_LIMIT_MS);
    child.once('message', (message) => {
      answer = message as Answer;
    });
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      clearTimeout(impatience);
      if (code === 0 && answer !== undefined) resolve(answer);
      else reject(new Error(`${module} ${JSON.stringify(job)} ended with ${code ?? signal}.`));
    });
  });
}

/** In a child: does the job it was given and hands the answer back. */
export async function answer<J>(work: (job: J) => Promise<object>): Promise<void> {
  const result = await work(JSON.parse(process.argv[2] as string) as J);
  // Started by hand, for a profiler, it has nobody to tell.
  if (!process.send) console.log(result);
  else process.send(result, () => process.disconnect());
}

function withoutStemVariables(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('STEM_')));
}
