import { type DynamicModule, Module, type ModuleMetadata, type Provider } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { withOverrides } from '../config/process-overrides.js';
import { DEFAULT_STEM_NAME, resolveStemOptions } from '../config/resolve-options.js';
import type { StemOptions } from '../config/stem-options.js';
import { getRuntimeToken, getStemToken } from './inject-stem.decorator.js';
import { StemExplorer } from './stem.explorer.js';
import { STEM_HARNESS, type StemHarness } from './stem-harness.js';
import { StemRuntime } from './stem-runtime.js';

/** Where the options of a Stem come from. */
export interface OptionsSource {
  readonly token: symbol;
  readonly imports: NonNullable<ModuleMetadata['imports']>;
  /** Among them the one that provides `token`. */
  readonly providers: readonly Provider[];
}

/**
 * The global half of a Stem: client and connection. Nest starts global modules first and closes them
 * last, so everybody can enqueue from their first to their last hook.
 */
@Module({})
export class StemCoreModule {
  static register(name: string | undefined, options: OptionsSource): DynamicModule {
    const runtime = getRuntimeToken(name);
    const client = getStemToken(name);
    return {
      module: StemCoreModule,
      global: true,
      imports: [DiscoveryModule, ...options.imports],
      providers: [
        ...options.providers,
        StemExplorer,
        {
          provide: runtime,
          useFactory: (
            given: StemOptions,
            explorer: StemExplorer,
            harness?: StemHarness,
          ): Promise<StemRuntime> => {
            const options = withOverrides(given, DEFAULT_STEM_NAME);
            const config = harness ? harness.configure(options) : resolveStemOptions(options);
            return StemRuntime.create(config, explorer, harness);
          },
          inject: [options.token, StemExplorer, { token: STEM_HARNESS, optional: true }],
        },
        {
          provide: client,
          useFactory: (stem: StemRuntime) => stem.client,
          inject: [runtime],
        },
      ],
      exports: [client, runtime],
    };
  }
}
