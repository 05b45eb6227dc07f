import { type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { enqueueChild } from '../client/child-task.js';
import { Worker } from '../worker/worker.js';
import { createIsolatedRunner } from './isolation/create-isolated-runner.js';
import { loggerOf, type StemRuntime } from './stem-runtime.js';

/**
 * Starts the worker of one Stem when the application has booted, and drains it before the other
 * modules end, so that handlers can use their database until they are done.
 */
export class StemWorkerHost implements OnApplicationBootstrap, OnModuleDestroy {
  readonly #runtime: StemRuntime;
  #worker: Worker | undefined;

  constructor(runtime: StemRuntime) {
    this.#runtime = runtime;
  }

  /** The worker; absent before the boot, and where none is wanted. */
  get worker(): Worker | undefined {
    return this.#worker;
  }

  async onApplicationBootstrap(): Promise<void> {
    const { config, broker, resultBackend, registry, signals, client } = this.#runtime;
    if (!config.worker) return;
    const isolated = await createIsolatedRunner(this.#runtime, config.worker);
    this.#worker = new Worker({
      broker,
      resultBackend,
      registry,
      signals,
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
    });
    try {
      await this.#worker.start();
    } catch (error) {
      await isolated?.close({ graceful: false });
      throw error;
    }
  }

  async onModuleDestroy(): Promise<void> {
    await this.drain();
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
