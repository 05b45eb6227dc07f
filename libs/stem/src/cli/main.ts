import 'reflect-metadata';
import { Module } from '@nestjs/common';
import type { Command } from './framework/commander.js';
import { CommandFactory, RootCommand } from 'nest-commander';
import { VERSION } from '../core/version.js';
import { CliError } from './framework/cli-error.js';
import { GLOBAL_OPTIONS } from './framework/global-options.js';
import { addOptions } from './framework/options.js';
import { StemCommandGroup } from './framework/stem-command.js';
import { complain } from './output/print.js';
import { StemCliModule } from './stem-cli.module.js';

/** A program that goes on after its command, such as an application with open handles, is ended. */
const LINGER_MS = 1_000;

@RootCommand({ description: 'Background jobs for NestJS: tasks, queues, workers, schedules' })
class StemRoot extends StemCommandGroup {
  override setCommand(command: Command): this {
    super.setCommand(command);
    command.name('stem').version(VERSION);
    addOptions(command, GLOBAL_OPTIONS);
    return this;
  }
}

@Module({ imports: [StemCliModule], providers: [StemRoot] })
class StemProgram {}

// Whoever reads the output may have seen enough, such as `head`.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit();
  const fault = new CliError(`The output could not be written: ${error.message}.`, {
    cause: error,
  });
  process.exit(complain(fault, { json: process.argv.includes('--json'), verbose: false }));
});

void CommandFactory.run(StemProgram, {
  logger: false,
  serviceErrorHandler: (error) => {
    process.exitCode = complain(error, { json: false, verbose: true });
  },
}).then(() => setTimeout(() => process.exit(), LINGER_MS).unref());
