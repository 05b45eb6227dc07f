import { type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { enqueueChild } from '../client/child-task.js';
import type { HeartbeatSender } from '../monitor/heartbeat-sender.js';
import { Worker } from '../worker/worker.js';
import { createIsolatedRunner } from './isolation/create-isolated-runner.js';
import { loggerOf, type StemRuntime } from './stem-runtime.js';
import { reportOf } from './worker-report.js';

/**
 * Starts the worker of one Stem when the application has booted, and drains it before the other
 * modules end, so that handlers can use their database until they are done.
 */
export class StemWorkerHost implements OnApplicationBootstrap, OnModuleDestroy {
  readonly #runtime: StemRuntime;
  #worker: Worker | undefined;
  #heartbeat: HeartbeatSender | undefined;
  #isOnline = false;

  constructor(runtime: StemRuntime) {
    this.#runtime = runtime;
  }

  /** The worker; absent before the boot, and where none is wanted. */
  get worker(): Worker | undefined {
    return this.#worker;
  }

  /** Called by Nest. */
  async onApplicationBootstrap(): Promise<void> {
    const { config, broker, resultBackend, registry, signals, observers, client } = this.#runtime;
    const { telemetry, harness } = this.#runtime;
    if (!config.worker) return;
    const isolated = harness ? undefined : await createIsolatedRunner(this.#runtime, config.worker);
    this.#worker = new Worker({
      broker,
      resultBackend,
      registry,
      signals,
      observers,
      tracer: telemetry?.tracer,
      log: loggerOf(config, 'StemWorker'),
      enqueueChild: (parent, task, args, options) =>
        enqueueChild(client, parent, task, args, options),
      isolated,
      options: config.worker,
      defaults: {
        maxRetries: config.defaultMaxRetries,
        resultTtlMs: config.resultTtlMs,
        resultBytes: config.limits.resultBytes,
      },
      onState: (state) => this.#tell(state),
    });
    telemetry?.measureWorker(this.#worker, broker);
    try {
      await this.#worker.start();
    } catch (error) {
      await isolated?.close({ graceful: false });
      throw error;
    }
  }

  /** Called by Nest. */
  async onModuleDestroy(): Promise<void> {
    await this.drain();
  }

  #tell(state: 'ready' | 'stopping' | 'stopped'): void {
    const { monitor, config } = this.#runtime;
    const { worker: options } = config;
    const worker = this.#worker;
    if (!monitor || !worker || !options) return;
    switch (state) {
      case 'ready':
        this.#isOnline = true;
        monitor.event({ type: 'worker-online', worker: worker.id });
        this.#heartbeat = monitor.heartbeat(options.heartbeatIntervalMs, () =>
          reportOf(worker, options.name),
        );
        break;
      case 'stopping':
        void this.#heartbeat?.beat();
        break;
      case 'stopped':
        if (!this.#isOnline) break;
        this.#isOnline = false;
        monitor.event({ type: 'worker-offline', worker: worker.id });
        void this.#heartbeat?.stop();
        break;
    }
  }

  /**
   * Takes no more tasks, lets running ones end, and gives back what is left.
   *
   * @param graceMs how long to wait for running tasks. Default: the worker's `drainTimeout`.
   */
  async drain(graceMs?: number): Promise<void> {
    await this.#worker?.stop({ mode: 'warm', ...(graceMs === undefined ? {} : { graceMs }) });
  }
}
