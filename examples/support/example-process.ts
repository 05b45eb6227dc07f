import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const START_TIMEOUT_MS = 20_000;
const POLL_MS = 20;
const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** How a process ended: by itself with a code, or by a signal. */
export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly afterMs: number;
}

/** A built example, running as users run it: in a process of its own. */
export class ExampleProcess {
  static readonly #running = new Set<ExampleProcess>();
  readonly #child: ChildProcessByStdio<null, Readable, Readable>;
  readonly #closed: Promise<unknown>;
  #output = '';
  #hasEnded = false;

  /**
   * @param script its entry file, built before.
   * @param env all that it sees of the environment, besides what every program needs.
   */
  static start(script: URL, env: Readonly<Record<string, string>> = {}): ExampleProcess {
    const path = fileURLToPath(script);
    if (!existsSync(path)) throw new Error(`${path} is missing: npm run build`);
    return new ExampleProcess(process.execPath, [path], env);
  }

  /**
   * A script of a workspace, as `npm run` starts it: with npm in between, and a process group of its own,
   * as a terminal would make one.
   */
  static npmRun(
    script: string,
    workspace: string,
    env: Readonly<Record<string, string>> = {},
  ): ExampleProcess {
    const args = ['run', script, '--workspace', workspace];
    return new ExampleProcess('npm', args, env, true);
  }

  /** Kills whatever still runs. */
  static async killAll(): Promise<void> {
    await Promise.all(
      [...this.#running].map((running) =>
        running.hasGroup ? running.endGroup('SIGKILL') : running.end('SIGKILL'),
      ),
    );
  }

  private constructor(
    command: string,
    args: readonly string[],
    env: Readonly<Record<string, string>>,
    private readonly hasGroup = false,
  ) {
    const { PATH = '', STEM_TEST_RUN = '' } = process.env;
    this.#child = spawn(command, args, {
      cwd: ROOT,
      detached: hasGroup,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH, STEM_TEST_RUN, NO_COLOR: '1', ...env },
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => (this.#output += text));
    }
    this.#closed = once(this.#child, 'close').then(() => (this.#hasEnded = true));
    ExampleProcess.#running.add(this);
  }

  /** All that it has printed so far. */
  get output(): string {
    return this.#output;
  }

  /** Waits for something to be printed. */
  async prints(pattern: RegExp, timeoutMs = START_TIMEOUT_MS): Promise<RegExpExecArray> {
    try {
      return await until('printed', timeoutMs, () => {
        const found = pattern.exec(this.#output);
        if (!found && this.#hasEnded) throw new Error('It has ended.');
        return found ?? undefined;
      });
    } catch (cause) {
      throw new Error(`It did not print ${pattern}, but:\n${this.#output}`, { cause });
    }
  }

  /** Waits until it serves HTTP. Returns where. */
  async url(): Promise<string> {
    const [, url] = await this.prints(/^Listening on (http\S+)$/m);
    return url as string;
  }

  /** Sends a signal and waits until it has ended and all of its output is here. */
  async end(signal: NodeJS.Signals): Promise<Ending> {
    this.#child.kill(signal);
    return this.ended();
  }

  /** The same, with a signal to all processes of its group: what Ctrl-C does, or an end without mercy. */
  async endGroup(signal: NodeJS.Signals): Promise<Ending> {
    if (this.#child.pid !== undefined) process.kill(-this.#child.pid, signal);
    return this.ended();
  }

  /** Waits until it has ended by itself and all of its output is here. */
  async ended(): Promise<Ending> {
    const started = performance.now();
    await this.#closed;
    ExampleProcess.#running.delete(this);
    return {
      code: this.#child.exitCode,
      signal: this.#child.signalCode,
      afterMs: performance.now() - started,
    };
  }
}

export interface Reply<T> {
  readonly status: number;
  readonly body: T;
}

export async function get<T = unknown>(url: string): Promise<Reply<T>> {
  const response = await fetch(url);
  return { status: response.status, body: (await response.json()) as T };
}

export async function post<T = unknown>(url: string, body: unknown): Promise<Reply<T>> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: (await response.json()) as T };
}

/** Asks again and again until there is an answer. */
export async function until<T>(
  what: string,
  timeoutMs: number,
  probe: () => T | undefined | Promise<T | undefined>,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const answer = await probe();
    if (answer !== undefined) return answer;
    if (performance.now() > deadline) throw new Error(`Not within ${timeoutMs} ms: ${what}`);
    await delay(POLL_MS);
  }
}
