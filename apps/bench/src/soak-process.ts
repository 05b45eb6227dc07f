import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { endOnExit } from './on-exit.js';

/** What a process tells of itself. */
export interface SoakMessage {
  readonly rssBytes: number;
  /** Tasks enqueued, or run. */
  readonly tasks: number;
}

/** A producer or a worker that goes on until it is ended. */
export class SoakProcess {
  readonly #child: ChildProcess;
  readonly ready: Promise<unknown>;

  constructor(role: 'worker' | 'producer', url: string, rate: number) {
    const file = fileURLToPath(new URL('processes/soak.js', import.meta.url));
    const child = fork(file, [role, url, String(rate)], { execArgv: ['--expose-gc'] });
    endOnExit(child, 'SIGKILL');
    this.#child = child;
    this.ready = this.#next();
  }

  ask(): Promise<SoakMessage> {
    const answer = this.#next();
    this.#child.send('sample');
    return answer;
  }

  end(): void {
    this.#child.kill('SIGKILL');
  }

  #next(): Promise<SoakMessage> {
    return new Promise((resolve, reject) => {
      const onExit = (code: number | null): void => reject(new Error(`A process ended (${code}).`));
      this.#child.once('exit', onExit);
      this.#child.once('message', (message) => {
        this.#child.off('exit', onExit);
        resolve(message as SoakMessage);
      });
    });
  }
}
