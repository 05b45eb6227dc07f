import { type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { Beat } from '../beat/beat.js';
import { declareCodeSchedules } from '../beat/code-schedules.js';
import { StemConfigError } from '../core/errors.js';
import { loggerOf, type StemRuntime } from './stem-runtime.js';

/**
 * Declares the schedules of the application's code when it has booted, and carries schedules out from
 * then on, until the application ends.
 */
export class StemBeatHost implements OnApplicationBootstrap, OnModuleDestroy {
  readonly #runtime: StemRuntime;
  #beat: Beat | undefined;

  constructor(runtime: StemRuntime) {
    this.#runtime = runtime;
  }

  /** The Beat; absent before the boot, and where none is wanted. */
  get beat(): Beat | undefined {
    return this.#beat;
  }

  async onApplicationBootstrap(): Promise<void> {
    const { config, broker, registry, signals, scheduleStore, codeSchedules } = this.#runtime;
    if (!config.beat) return;
    if (!scheduleStore) {
      if (codeSchedules.length === 0) return;
      throw new StemConfigError({
        option: 'scheduleStore',
        expected: `to be given for ${codeSchedules[0]?.place}, since this broker keeps no schedules itself`,
      });
    }
    const log = loggerOf(config, 'StemBeat');
    await declareCodeSchedules(codeSchedules, {
      store: scheduleStore,
      owner: this.#runtime.owner,
      handlesTasks: registry.list().some(({ invoke }) => invoke !== undefined),
      log,
    });
    this.#beat = new Beat({
      broker,
      store: scheduleStore,
      registry,
      signals,
      rules: config,
      log,
      options: config.beat,
    });
    this.#beat.start();
  }

  async onModuleDestroy(): Promise<void> {
    await this.stop();
  }

  /** Ends after the tick that is under way, if any. */
  async stop(): Promise<void> {
    await this.#beat?.stop();
  }
}
