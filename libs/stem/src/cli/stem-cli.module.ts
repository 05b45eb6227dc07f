import { type DynamicModule, Module } from '@nestjs/common';
import { ENTRIES } from './commands/index.js';
import { placeAtRoot, placeUnder } from './framework/entry.js';
import { StemCommandGroup } from './framework/stem-command.js';

class StemMountPoint extends StemCommandGroup {}

placeAtRoot(ENTRIES);

/**
 * The commands of `stem`, for a nest-commander application of your own. Imported as it is, they stand
 * beside your own: `my-cli task list`.
 */
@Module({ providers: ENTRIES.flatMap(({ type, commands }) => [type, ...commands]) })
export class StemCliModule {
  /**
   * Puts them under one name instead: `my-cli stem task list`. In one process they can stand in one place only,
   * the one that was asked for last: nest-commander keeps it with the classes.
   */
  static under(name: string): DynamicModule {
    placeUnder(StemMountPoint, name, ENTRIES);
    return { module: StemCliModule, providers: [StemMountPoint] };
  }
}
