import { execFile } from 'node:child_process';

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  /** Both streams, for failures. */
  readonly output: string;
}

export interface CommandOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
}

const DEFAULT_TIMEOUT_MS = 60_000;

/** Runs a program to its end, which comes by SIGKILL when it takes too long. Never rejects. */
export function run(
  command: string,
  args: readonly string[],
  { cwd, env = {}, timeoutMs = DEFAULT_TIMEOUT_MS }: CommandOptions,
): Promise<Outcome> {
  const options = {
    cwd,
    env: { ...environment(), ...env },
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
    maxBuffer: 64 * 1024 * 1024,
  } as const;
  return new Promise((resolve) => {
    execFile(command, args, options, (error, stdout, stderr) => {
      const killed = error?.killed === true ? `\nkilled after ${timeoutMs} ms` : '';
      const notStarted = typeof error?.code === 'string' ? `\n${error.message}` : '';
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
      resolve({ code, stdout, output: `${stdout}${stderr}${killed}${notStarted}`.trim() });
    });
  });
}

/** Like {@link run}, but rejects unless the program exits with 0. */
export async function succeed(
  command: string,
  args: readonly string[],
  options: CommandOptions,
): Promise<string> {
  const { code, stdout, output } = await run(command, args, options);
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}:\n${output}`);
  return stdout;
}

/** This process's, without what would configure the library, or npm for this repository. */
function environment(): NodeJS.ProcessEnv {
  const foreign =
    /^(STEM_(?!TEST_RUN$)|npm_(package|lifecycle|command)|npm_config_(local_)?prefix)/;
  const { NODE_OPTIONS: _, ...rest } = process.env;
  return Object.fromEntries(Object.entries(rest).filter(([name]) => !foreign.test(name)));
}
