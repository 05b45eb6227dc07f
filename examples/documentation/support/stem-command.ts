import { Module } from '@nestjs/common';
import { CommandFactory } from 'nest-commander';
import { StemCliModule } from 'nestjs-stem/cli';

@Module({ imports: [StemCliModule] })
class Program {}

/** How a command ended, and what it printed. */
export interface Ending {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command line of `stem` in this process, to its end. */
export function runStem(args: readonly string[]): Promise<Ending> {
  return runProgram(['stem', ...args], () => CommandFactory.run(Program));
}

/** Runs a program of nest-commander in this process, as if it had been started with these words. */
export async function runProgram(
  words: readonly string[],
  run: () => Promise<unknown>,
): Promise<Ending> {
  const { argv, exitCode } = process;
  const printed = { stdout: '', stderr: '' };
  const exit = jest.spyOn(process, 'exit').mockImplementation((code) => {
    throw new Error(`It has ended with ${code}: ${printed.stderr}`);
  });
  const streams = (['stdout', 'stderr'] as const).map((name) =>
    jest.spyOn(process[name], 'write').mockImplementation((text, ...rest: unknown[]) => {
      printed[name] += String(text);
      // The program waits until its output is written.
      const written = rest.at(-1);
      if (typeof written === 'function') (written as () => void)();
      return true;
    }),
  );
  try {
    process.argv = [process.execPath, ...words];
    process.exitCode = 0;
    await run();
    return { exitCode: process.exitCode, ...printed };
  } finally {
    process.argv = argv;
    process.exitCode = exitCode;
    for (const mock of [exit, ...streams]) mock.mockRestore();
  }
}
