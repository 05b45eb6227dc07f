import type { Type } from '@nestjs/common';
import { Command, type CommandMetadata, type CommandRunner, SubCommand } from 'nest-commander';
import { descriptionOf, type StemCommand, type StemCommandGroup } from './stem-command.js';

/** Something that follows `stem` on the command line: a group of commands, or a command itself. */
export interface Entry {
  readonly type: Type<CommandRunner>;
  readonly metadata: CommandMetadata;
  readonly commands: readonly Type<CommandRunner>[];
}

/** Commands under one name. */
export function group(
  type: Type<StemCommandGroup>,
  name: string,
  summary: string,
  commands: readonly Type<StemCommand>[],
): Entry {
  return {
    type,
    metadata: { name, description: summary, subCommands: [...commands] },
    commands,
  };
}

/** A command without a group. */
export function single(type: Type<StemCommand>): Entry {
  return { type, metadata: descriptionOf(type), commands: [] };
}

/** Puts entries beside the commands of the application that they are mounted in. */
export function placeAtRoot(entries: readonly Entry[]): void {
  for (const { type, metadata } of entries) Command(metadata)(type);
}

/** Puts them under one command instead. */
export function placeUnder(
  parent: Type<StemCommandGroup>,
  name: string,
  entries: readonly Entry[],
): void {
  for (const { type, metadata } of entries) {
    Reflect.deleteMetadata(ROOT_COMMAND, type);
    SubCommand(metadata)(type);
  }
  Command({
    name,
    description: 'Background jobs: tasks, queues, workers, schedules',
    subCommands: entries.map(({ type }) => type),
  })(parent);
}

/** Under which nest-commander keeps what stands beside the application's own commands. */
const ROOT_COMMAND = 'CommandBuilder:Command:Meta';
