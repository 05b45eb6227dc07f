import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { faultsIn } from './schema.js';

const PATIENCE_MS = 30_000;

/** How a call of `stem` ended. */
export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The installed `stem`, in processes of its own. */
export class StemProgram {
  static readonly #running = new Set<ChildProcess>();
  readonly #program: string;
  readonly #folder: string;
  readonly #env: Readonly<Record<string, string>>;

  constructor(program: string, folder: string, env: Readonly<Record<string, string>> = {}) {
    this.#program = program;
    this.#folder = folder;
    this.#env = env;
  }

  /** The same with other variables beside these. */
  with(env: Readonly<Record<string, string>>): StemProgram {
    return new StemProgram(this.#program, this.#folder, { ...this.#env, ...env });
  }

  async run(...args: readonly string[]): Promise<Outcome> {
    return this.start(...args).ended();
  }

  /** What a command prints for programs, which must be as documented. */
  async json<T>(command: string, ...args: readonly string[]): Promise<T> {
    const { output, code, stderr } = await this.report<T>(command, ...args);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    return output;
  }

  /** Like {@link json}, for commands that may end otherwise than with 0. */
  async report<T>(
    command: string,
    ...args: readonly string[]
  ): Promise<{ output: T; code: number | null; stderr: string }> {
    const { code, stdout, stderr } = await this.run(...command.split(' '), ...args, '--json');
    let output: unknown;
    try {
      output = JSON.parse(stdout);
    } catch {
      throw new Error(`stem ${command} ended with ${code}:\n${stdout}${stderr}`);
    }
    expect(faultsIn(command, output)).toEqual([]);
    return { output: output as T, code, stderr };
  }

  /** Starts a command that goes on. */
  start(...args: readonly string[]): StemProcess {
    const child = spawn(this.#program, args, {
      cwd: this.#folder,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env.PATH,
        STEM_TEST_RUN: process.env.STEM_TEST_RUN ?? '',
        ...this.#env,
      },
    });
    StemProgram.#running.add(child);
    child.once('exit', () => StemProgram.#running.delete(child));
    return new StemProcess(child);
  }

  /** Kills whatever still runs. */
  static killAll(): void {
    for (const child of this.#running) child.kill('SIGKILL');
  }
}

/** A `stem` that runs. */
export class StemProcess {
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  #stdout = '';
  #stderr = '';

  constructor(child: ChildProcess) {
    this.#child = child;
    this.#ended = once(child, 'close');
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (this.#stdout += text));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#stderr += text));
  }

  get stdout(): string {
    return this.#stdout;
  }

  async prints(pattern: RegExp): Promise<void> {
    for (const deadline = Date.now() + PATIENCE_MS; !pattern.test(this.#stdout);) {
      if (Date.now() > deadline || this.#child.exitCode !== null) {
        throw new Error(`It did not print ${pattern}, but:\n${this.#stdout}${this.#stderr}`);
      }
      await delay(10);
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async ended(): Promise<Outcome> {
    const impatience = setTimeout(() => this.#child.kill('SIGKILL'), PATIENCE_MS);
    await this.#ended;
    clearTimeout(impatience);
    return { code: this.#child.exitCode, stdout: this.#stdout, stderr: this.#stderr };
  }

  /** Sends a signal and waits for the end. */
  end(signal: NodeJS.Signals): Promise<Outcome> {
    this.signal(signal);
    return this.ended();
  }
}
