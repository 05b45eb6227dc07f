import type { CommandRunner } from 'nest-commander';

/** A command of commander, in the version that nest-commander brings. */
export type Command = Parameters<CommandRunner['setCommand']>[0];
