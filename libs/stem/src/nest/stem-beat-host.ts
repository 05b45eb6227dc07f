import { hostname } from 'node:os';
import { type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { nanoid } from 'nanoid';
import { Beat } from '../beat/beat.js';
import { declareCodeSchedules } from '../beat/code-schedules.js';
import { StemConfigError } from '../core/errors.js';
import type { HeartbeatSender } from '../monitor/heartbeat-sender.js';
import { loggerOf, type StemRuntime } from './stem-runtime.js';

/**
 * Declares the schedules of the application's code when it has booted, and carries schedules out from
 * then on, until the application ends.
 */
export class StemBeatHost implements OnApplicationBootstrap, OnModuleDestroy {
  readonly #runtime: StemRuntime;
  readonly #id = `beat-${hostname()}-${nanoid(8)}`;
  #beat: Beat | undefined;
  #heartbeat: HeartbeatSender | undefined;
  #stopped: Promise<void> | undefined;

  constructor(runtime: StemRuntime) {
    this.#runtime = runtime;
  }

  /** The Beat; absent before the boot, and where none is wanted. */
  get beat(): Beat | undefined {
    return this.#beat;
  }

  /** Called by Nest. */
  async onApplicationBootstrap(): Promise<void> {
    const { config, broker, registry, signals, observers, monitor } = this.#runtime;
    const { scheduleStore, codeSchedules, telemetry, harness } = this.#runtime;
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
    const beat = new Beat({
      broker,
      store: scheduleStore,
      registry,
      signals,
      observers,
      onDispatched: ({ scheduleId, scheduledFor }, { id, name, queue, attempt }) =>
        monitor?.event({
          type: 'schedule-dispatched',
          task: { id, name, queue, attempt },
          worker: this.#id,
          schedule: { id: scheduleId, scheduledFor: scheduledFor.getTime() },
        }),
      rules: config,
      log,
      options: config.beat,
    });
    this.#beat = beat;
    telemetry?.measureSchedules(scheduleStore);
    if (harness) harness.attachBeat(config.name, beat);
    else beat.start();
    monitor?.event({ type: 'beat-online', worker: this.#id });
    this.#heartbeat = monitor?.heartbeat(config.beat.heartbeatIntervalMs, () => ({
      kind: 'beat',
      id: this.#id,
      ...beat.status,
    }));
  }

  /** Called by Nest. */
  async onModuleDestroy(): Promise<void> {
    await this.stop();
  }

  /** Ends after the tick that is under way, if any. */
  stop(): Promise<void> {
    return (this.#stopped ??= this.#stop());
  }

  async #stop(): Promise<void> {
    if (!this.#beat) return;
    await this.#beat.stop();
    this.#runtime.monitor?.event({ type: 'beat-offline', worker: this.#id });
    void this.#heartbeat?.stop();
  }
}
