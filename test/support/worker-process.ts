import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const PATIENCE_MS = 20_000;

/** What a {@link WorkerProcess} is to do. */
export interface WorkerProcessOptions {
  readonly redisUrl: string;
  readonly namespace: string;
  readonly visibilityTimeoutMs?: number;
  readonly drainTimeoutMs?: number;
  /** Registers the SDK of OpenTelemetry, and prints `span` with each ended span as JSON. */
  readonly telemetry?: boolean;
  /** A program beside `worker-program.ts` to run instead. */
  readonly program?: string;
}

/**
 * A worker in a process of its own, compiled from the sources: to be killed, stopped, or asked to end.
 * What it knows to do stands in `worker-program.ts`.
 */
export class WorkerProcess {
  static readonly #running = new Set<WorkerProcess>();
  readonly #child: ChildProcess;
  #output = '';

  static async start(options: WorkerProcessOptions): Promise<WorkerProcess> {
    const worker = new WorkerProcess(options);
    await worker.prints(/^ready$/m);
    return worker;
  }

  /** Kills whatever still runs. */
  static async killAll(): Promise<void> {
    await Promise.all([...this.#running].map((worker) => worker.end('SIGKILL')));
  }

  private constructor(options: WorkerProcessOptions) {
    this.#child = spawn(
      process.execPath,
      [
        '--require',
        join(dirname(__filename), 'compile-on-load.cjs'),
        // As main module it would be taken for an ES module, by the nearest package.json.
        '--eval',
        `require(${JSON.stringify(join(dirname(__filename), options.program ?? 'worker-program.ts'))})`,
        '--',
        JSON.stringify(options),
      ],
      {
        stdio: ['ignore', 'pipe', 'pipe'],
        env: { PATH: process.env.PATH, STEM_TEST_RUN: process.env.STEM_TEST_RUN ?? '' },
      },
    );
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => (this.#output += text));
    }
    WorkerProcess.#running.add(this);
  }

  /** All that it has printed so far. */
  get output(): string {
    return this.#output;
  }

  async prints(pattern: RegExp): Promise<void> {
    for (const deadline = Date.now() + PATIENCE_MS; !pattern.test(this.#output);) {
      if (Date.now() > deadline || this.#child.exitCode !== null) {
        throw new Error(`It did not print ${pattern}, but:\n${this.#output}`);
      }
      await delay(10);
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Sends a signal and waits for the end. */
  async end(signal: NodeJS.Signals): Promise<{ code: number | null; afterMs: number }> {
    const from = performance.now();
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const ended = once(this.#child, 'exit');
      this.#child.kill(signal);
      this.#child.kill('SIGCONT');
      await ended;
    }
    WorkerProcess.#running.delete(this);
    return { code: this.#child.exitCode, afterMs: performance.now() - from };
  }
}
