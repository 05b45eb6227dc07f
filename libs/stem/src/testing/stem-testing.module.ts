import { type DynamicModule, Module, type Provider } from '@nestjs/common';
import { DiscoveryModule, ModulesContainer } from '@nestjs/core';
import type { StemClient } from '../client/stem-client.js';
import { DEFAULT_STEM_NAME } from '../config/resolve-options.js';
import { getRuntimeToken, getStemToken } from '../nest/inject-stem.decorator.js';
import { StemExplorer } from '../nest/stem.explorer.js';
import { StemBeatHost } from '../nest/stem-beat-host.js';
import { STEM_HARNESS } from '../nest/stem-harness.js';
import { StemRuntime } from '../nest/stem-runtime.js';
import { StemWorkerHost } from '../nest/stem-worker-host.js';
import { missingClient } from './missing-client.js';
import { StemTester } from './stem-tester.js';
import { TestBench } from './test-bench.js';
import { resolveTestingOptions, type StemTestingOptions } from './testing-options.js';

/** A Stem for applications that have none. */
const STAND_IN = Symbol('nestjs-stem:stand-in');

/** Runs what the stand-in enqueues. Not global, so that it ends before what its handlers need. */
@Module({
  providers: [
    {
      provide: Symbol('nestjs-stem:stand-in-worker'),
      useFactory: (runtime: StemRuntime | null) => runtime && new StemWorkerHost(runtime),
      inject: [STAND_IN],
    },
    {
      provide: Symbol('nestjs-stem:stand-in-beat'),
      useFactory: (runtime: StemRuntime | null) => runtime && new StemBeatHost(runtime),
      inject: [STAND_IN],
    },
  ],
})
class StandInModule {}

/**
 * Background jobs under test: the real client, worker and Beat, in memory, on a clock that tests move.
 *
 * Import it beside the application, as it is: `imports: [AppModule, StemTestingModule.forRoot({ mode })]`.
 * Every `StemModule` of the application then works in memory, whatever broker it names. Where there is no
 * `StemModule`, it stands in for one.
 */
@Module({})
export class StemTestingModule {
  /**
   * @param options `mode`, `now`, and options of `StemModule` that win over the application's own.
   * @throws {StemConfigError} naming the option at fault.
   */
  static forRoot(options: StemTestingOptions = {}): DynamicModule {
    const resolved = resolveTestingOptions(options);
    const { name } = resolved;
    const client = getStemToken(name);
    const providers: Provider[] = [
      StemExplorer,
      { provide: STEM_HARNESS, useFactory: () => new TestBench(resolved) },
      {
        provide: StemTester,
        useFactory: (bench: TestBench) => new StemTester(bench),
        inject: [STEM_HARNESS],
      },
      {
        provide: STAND_IN,
        useFactory: (bench: TestBench, explorer: StemExplorer, modules: ModulesContainer) => {
          if (namesOfStems(modules).length > 0) return null;
          const config = bench.configure(name === undefined ? {} : { name });
          return StemRuntime.create(config, explorer, bench);
        },
        inject: [STEM_HARNESS, StemExplorer, ModulesContainer],
      },
      {
        // Whoever asks for the client may be given this one or the application's own: they are the same.
        provide: client,
        useFactory: (
          bench: TestBench,
          modules: ModulesContainer,
          standIn: StemRuntime | null,
        ): Promise<StemClient> => clientOf(bench, modules, standIn, name),
        inject: [STEM_HARNESS, ModulesContainer, STAND_IN],
      },
    ];
    return {
      module: StemTestingModule,
      global: true,
      imports: [DiscoveryModule, StandInModule],
      providers,
      exports: [STEM_HARNESS, StemTester, STAND_IN, client],
    };
  }
}

async function clientOf(
  bench: TestBench,
  modules: ModulesContainer,
  standIn: StemRuntime | null,
  name = DEFAULT_STEM_NAME,
): Promise<StemClient> {
  if (standIn) return standIn.client;
  const names = namesOfStems(modules);
  if (!names.includes(name)) return missingClient(name, names);
  return (await bench.whenAttached(name)).client;
}

const RUNTIME_TOKEN = getRuntimeToken('').description ?? '';

/** The names of the Stems that the application's own modules make. */
function namesOfStems(modules: ModulesContainer): string[] {
  const tokens = [...modules.values()].flatMap(({ providers }) => [...providers.keys()]);
  return tokens.flatMap((token) => {
    const text = typeof token === 'symbol' ? token.description : undefined;
    return text?.startsWith(RUNTIME_TOKEN) ? [text.slice(RUNTIME_TOKEN.length)] : [];
  });
}
