import { type DynamicModule, Module } from '@nestjs/common';
import { getRuntimeToken } from './inject-stem.decorator.js';
import { StemBeatHost } from './stem-beat-host.js';
import type { StemRuntime } from './stem-runtime.js';

/** The part of a Stem that carries schedules out. Not global: it ends before the connection does. */
@Module({})
export class StemBeatModule {
  static register(name: string | undefined): DynamicModule {
    return {
      module: StemBeatModule,
      providers: [
        {
          provide: StemBeatHost,
          useFactory: (runtime: StemRuntime) => new StemBeatHost(runtime),
          inject: [getRuntimeToken(name)],
        },
      ],
    };
  }
}
