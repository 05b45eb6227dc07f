import { type DynamicModule, Module } from '@nestjs/common';
import { getRuntimeToken } from './inject-stem.decorator.js';
import type { StemRuntime } from './stem-runtime.js';
import { StemWorkerHost } from './stem-worker-host.js';

/**
 * The half of a Stem that runs tasks. Not global: Nest ends it before the modules that were imported
 * earlier, while a global one would end after every database had closed.
 */
@Module({})
export class StemWorkerModule {
  static register(name: string | undefined): DynamicModule {
    return {
      module: StemWorkerModule,
      providers: [
        {
          provide: StemWorkerHost,
          useFactory: (runtime: StemRuntime) => new StemWorkerHost(runtime),
          inject: [getRuntimeToken(name)],
        },
      ],
    };
  }
}
