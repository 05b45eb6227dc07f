import type { Type } from '@nestjs/common';
import type { Command } from './commander.js';
import { type CommandMetadata, CommandRunner, SubCommand } from 'nest-commander';
import { nearestNames } from '../../core/names.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import type { Page } from '../output/page.js';
import { complain, print } from '../output/print.js';
import type { Session } from '../session/session.js';
import { oneLine, usageError } from './cli-error.js';
import { GLOBAL_OPTIONS, type GlobalOptions } from './global-options.js';
import { addOptions, type OptionSpecs, type ValuesOf, valuesOf } from './options.js';

/** What a command has found out or done, for people and for programs. */
export interface Report {
  /** Printed by `--json`. Its form is documented and stays. */
  readonly json: unknown;
  readonly text: (page: Page) => string;
  /** Default: done. */
  readonly exitCode?: ExitCode;
}

/** One call of a command. */
export interface Call<S extends OptionSpecs = OptionSpecs> {
  readonly args: readonly string[];
  readonly options: ValuesOf<S>;
  readonly globals: GlobalOptions;
  /** Connects, once; it is closed when the command has ended. */
  readonly session: () => Promise<Session>;
  /** Prints something before the end, such as a line of a live stream. */
  readonly say: (report: Report) => Promise<void>;
  /** Aborts when somebody presses Ctrl-C; without a call of this, that ends the process at once. */
  readonly interrupted: () => AbortSignal;
}

/** How a command is written and explained. */
export interface CommandDescription<S extends OptionSpecs> {
  readonly name: string;
  /** As commander takes them: `<id> [more...]`. */
  readonly arguments?: string;
  readonly summary: string;
  /** More than one line of help. */
  readonly details?: string;
  readonly options?: S;
  /** Command line without `stem`, and what it does. At least one. */
  readonly examples: readonly (readonly [string, string])[];
  readonly hidden?: boolean;
}

const descriptions = new WeakMap<object, CommandDescription<OptionSpecs>>();

/**
 * Decorates a command. nest-commander finds sub-commands by the names of their classes, in the
 * application that it is mounted in as well: they all begin with `Stem`.
 */
export function StemSubCommand<S extends OptionSpecs>(
  description: CommandDescription<S>,
): ClassDecorator {
  return (target) => {
    descriptions.set(target, description);
    SubCommand(descriptionOf(target))(target as unknown as Type<CommandRunner>);
  };
}

/** A decorated command as nest-commander wants it described. */
export function descriptionOf(type: object): CommandMetadata {
  const description = descriptions.get(type);
  if (!description) throw new Error('A command lacks @StemSubCommand');
  const { name, summary, arguments: taken, hidden = false } = description;
  return {
    name,
    description: summary,
    ...(taken === undefined ? {} : { arguments: taken }),
    ...(hidden ? { options: { hidden } } : {}),
  };
}

/** A command: reads its options, does its work, prints its report, and turns errors into exit codes. */
export abstract class StemCommand<S extends OptionSpecs = OptionSpecs> extends CommandRunner {
  protected abstract execute(call: Call<S>): Promise<Report | void>;

  override setCommand(command: Command): this {
    super.setCommand(command);
    const { options = {}, details, examples } = this.#description();
    command.allowExcessArguments(false);
    addOptions(command, options);
    addOptions(command, GLOBAL_OPTIONS, true);
    if (details !== undefined) command.addHelpText('after', `\n${details}`);
    command.addHelpText('after', () => explain(command, examples));
    return refuseWrongUsage(this, command);
  }

  /** Called by nest-commander. */
  async run(args: string[]): Promise<void> {
    const { command } = this;
    const globals = valuesOf(command, GLOBAL_OPTIONS);
    let session: Promise<Session> | undefined;
    let interruption: AbortSignal | undefined;
    const call: Call<S> = {
      args,
      options: valuesOf(command, (this.#description().options ?? {}) as S),
      globals,
      session: () =>
        (session ??= import('../session/open-session.js').then(({ openSession }) =>
          openSession(globals),
        )),
      say: (report) => print(report, globals),
      interrupted: () => (interruption ??= onInterrupt()),
    };
    try {
      const report = await this.execute(call);
      if (report) await call.say(report);
      process.exitCode = report?.exitCode ?? EXIT.done;
    } catch (error) {
      process.exitCode = complain(error, globals);
    } finally {
      await (await session?.catch(() => undefined))?.close();
    }
  }

  #description(): CommandDescription<S> {
    return descriptions.get(this.constructor) as CommandDescription<S>;
  }
}

/** A command that only leads to others. */
export abstract class StemCommandGroup extends CommandRunner {
  override setCommand(command: Command): this {
    super.setCommand(command);
    return refuseWrongUsage(this, command);
  }

  /** Called by nest-commander when no sub-command of this name exists. */
  run([name]: string[]): Promise<void> {
    const { command } = this;
    if (name === undefined) {
      command.outputHelp({ error: true });
      process.exitCode = EXIT.usage;
      return Promise.resolve();
    }
    const known = command.commands.map((each) => each.name());
    const [nearest] = nearestNames(name, known, 1);
    const hint = nearest === undefined ? '' : `\n(Did you mean ${nearest}?)`;
    return command.error(`error: unknown command '${name}'${hint}`, {
      code: 'commander.unknownCommand',
    });
  }
}

/** One line, the next step, and the exit code of wrong usage, instead of commander's own ways. */
function refuseWrongUsage<T>(runner: T, command: Command): T {
  command.configureOutput({
    outputError: (message) => {
      const fault = oneLine(message)
        .replace(/^error: /, '')
        .replace(/ \(Did you mean (.+)\?\)$/, "; did you mean '$1'?")
        .replace(/(?<![.?])$/, '.');
      complain(usageError(`${fault} See ${pathOf(command)} --help.`), {
        json: process.argv.includes('--json'),
        verbose: false,
      });
    },
  });
  command.exitOverride(({ code }) => {
    // Help and version come this way too. Nothing is connected yet, and streams to a terminal, a file
    // or a pipe are written to at once.
    const asked = ['commander.helpDisplayed', 'commander.help', 'commander.version'];
    process.exit(asked.includes(code) ? EXIT.done : EXIT.usage);
  });
  return runner;
}

function pathOf(command: Command): string {
  const names: string[] = [];
  for (let each: Command | null = command; each; each = each.parent) names.unshift(each.name());
  return names.filter((name) => name !== '').join(' ') || 'stem';
}

function explain(command: Command, examples: readonly (readonly [string, string])[]): string {
  const globals = Object.values(GLOBAL_OPTIONS).map(
    ({ flags, description }) => [flags, description] as const,
  );
  const widest = Math.max(...globals.map(([flags]) => flags.length));
  const root = pathOf(command).split(' ')[0] as string;
  return [
    '\nGlobal options:',
    ...globals.map(([flags, description]) => `  ${flags.padEnd(widest)}  ${description}`),
    '\nExamples:',
    ...examples.map(([line, meaning]) => `  ${root} ${line}\n      ${meaning}`),
  ].join('\n');
}

/** Ctrl-C, or SIGTERM: once ends in good order, twice at once. */
function onInterrupt(): AbortSignal {
  const controller = new AbortController();
  const signals = ['SIGINT', 'SIGTERM'] as const;
  const abort = (): void => {
    for (const signal of signals) process.off(signal, abort);
    controller.abort();
  };
  for (const signal of signals) process.on(signal, abort);
  return controller.signal;
}
