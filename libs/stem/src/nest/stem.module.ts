import {
  type DynamicModule,
  type FactoryProvider,
  type InjectionToken,
  Module,
  type ModuleMetadata,
  type Provider,
  type Type,
} from '@nestjs/common';
import { DEFAULT_STEM_NAME } from '../config/resolve-options.js';
import type { StemOptions } from '../config/stem-options.js';
import { StemConfigError } from '../core/errors.js';
import { type OptionsSource, StemCoreModule } from './stem-core.module.js';
import { StemBeatModule } from './stem-beat.module.js';
import { StemWorkerModule } from './stem-worker.module.js';

/** Makes options for `forRootAsync({ useClass })` and `forRootAsync({ useExisting })`. */
export interface StemOptionsFactory {
  /** Called once, at boot. */
  createStemOptions(): StemOptions | Promise<StemOptions>;
}

/** What `StemModule.forRootAsync` accepts: exactly one of `useFactory`, `useClass`, `useExisting`. */
export interface StemAsyncOptions {
  /** Name of this Stem; it must be known before the options are. */
  readonly name?: string;
  /** Used unless the options that are made say something of `worker`. */
  readonly worker?: StemOptions['worker'];
  /** Used unless the options that are made say something of `beat`. */
  readonly beat?: StemOptions['beat'];
  /** Modules whose exports the factory needs. */
  readonly imports?: ModuleMetadata['imports'];
  /** What `useFactory` is called with. */
  readonly inject?: FactoryProvider['inject'];
  /** Makes the options, called with what `inject` names. */
  readonly useFactory?: (...dependencies: never[]) => StemOptions | Promise<StemOptions>;
  /** A class of which an instance is made. */
  readonly useClass?: Type<StemOptionsFactory>;
  /** A provider that exists already. */
  readonly useExisting?: InjectionToken<StemOptionsFactory>;
}

/**
 * Background jobs for an application: a client for everybody, and a worker that Nest starts and stops.
 *
 * Import it after the modules that handlers depend on: Nest ends what is imported last first, so the
 * worker drains while those still live.
 */
@Module({})
export class StemModule {
  /**
   * A Stem with these options.
   *
   * @param options they beat `STEM_*` variables, which beat the defaults; without any of them it
   *   all happens in memory. They are checked at boot.
   */
  static forRoot(options: StemOptions = {}): DynamicModule {
    const token = Symbol('nestjs-stem:options');
    return assemble(options.name, {
      token,
      imports: [],
      providers: [{ provide: token, useValue: options }],
    });
  }

  /** Like {@link forRoot}, with options that other providers make. */
  static forRootAsync(options: StemAsyncOptions): DynamicModule {
    const { name, worker, beat, imports = [] } = options;
    const token = Symbol('nestjs-stem:options');
    const complete = (made: StemOptions): StemOptions => {
      if (made.name !== undefined && made.name !== (name ?? DEFAULT_STEM_NAME)) {
        throw new StemConfigError({
          option: 'name',
          value: made.name,
          expected: 'to be given to forRootAsync itself, beside the factory',
        });
      }
      return {
        ...made,
        ...(name === undefined ? {} : { name }),
        ...(made.worker === undefined && worker !== undefined ? { worker } : {}),
        ...(made.beat === undefined && beat !== undefined ? { beat } : {}),
      };
    };
    return assemble(name, { token, imports, providers: providersFor(options, token, complete) });
  }
}

function assemble(name: string | undefined, options: OptionsSource): DynamicModule {
  return {
    module: StemModule,
    imports: [
      StemCoreModule.register(name, options),
      StemWorkerModule.register(name),
      StemBeatModule.register(name),
    ],
  };
}

function providersFor(
  { inject = [], useFactory, useClass, useExisting }: StemAsyncOptions,
  token: symbol,
  complete: (made: StemOptions) => StemOptions,
): Provider[] {
  const given = [useFactory, useClass, useExisting].filter((way) => way !== undefined);
  if (given.length !== 1) {
    throw new StemConfigError({
      option: 'The options of StemModule.forRootAsync',
      value: `with ${given.length} sources`,
      expected: 'exactly one of useFactory, useClass and useExisting',
    });
  }
  if (useFactory) {
    return [
      {
        provide: token,
        useFactory: async (...dependencies: never[]) => complete(await useFactory(...dependencies)),
        inject,
      },
    ];
  }
  const fromFactory = (provider: InjectionToken): Provider => ({
    provide: token,
    useFactory: async (factory: StemOptionsFactory) => complete(await factory.createStemOptions()),
    inject: [provider],
  });
  return useClass
    ? [useClass, fromFactory(useClass)]
    : [fromFactory(useExisting as InjectionToken)];
}
