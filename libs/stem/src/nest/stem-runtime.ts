import { Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import type { Broker, ResultBackend } from '../broker/broker.js';
import type { ConnectionLimits } from '../broker/broker-config.js';
import { createBroker, createResultBackend } from '../broker/create-broker.js';
import { StemClient } from '../client/stem-client.js';
import type { ResolvedStemConfig } from '../config/resolved-config.js';
import { DEFAULT_STEM_NAME } from '../config/resolve-options.js';
import { StemConfigError } from '../core/errors.js';
import { SignalBus } from '../core/signals.js';
import type { TaskLogger } from '../core/task-context.js';
import { resolveTaskOptions } from '../core/task-options.js';
import { TaskRegistry } from '../core/task-registry.js';
import { threadLink } from '../worker/isolation/thread-link.js';
import type { StemExplorer } from './stem.explorer.js';

/** Room in a record for names, ids and punctuation. */
const RECORD_OVERHEAD_BYTES = 16_384;

/**
 * One Stem of an application: its configuration, its connection and what it knows. Lives in a global
 * module, so it is ready before every other module starts and closes after all of them.
 */
export class StemRuntime implements OnModuleInit, OnApplicationShutdown {
  readonly registry = new TaskRegistry();
  readonly client: StemClient;

  private constructor(
    readonly config: ResolvedStemConfig,
    readonly broker: Broker,
    readonly resultBackend: ResultBackend | undefined,
    readonly signals: SignalBus,
    private readonly log: TaskLogger,
    private readonly explorer: StemExplorer,
  ) {
    this.client = new StemClient({
      broker,
      resultBackend,
      registry: this.registry,
      signals,
      rules: config,
    });
  }

  /** Puts a Stem together; nothing is connected yet. */
  static async create(config: ResolvedStemConfig, explorer: StemExplorer): Promise<StemRuntime> {
    const log = loggerOf(config, 'Stem');
    const link = threadLink();
    if (link) {
      // In a thread of isolated tasks: the main thread has the worker, the Beat and the connections.
      return new StemRuntime(
        { ...config, worker: undefined, beat: false },
        link.broker(config.name, config.partitions),
        config.resultBackend && link.resultBackend(config.name),
        new SignalBus(log),
        log,
        explorer,
      );
    }
    const limits: ConnectionLimits = {
      namespace: config.namespace,
      commandTimeoutMs: config.commandTimeoutMs,
      connectTimeoutMs: config.connectTimeoutMs,
      onConnectFailure: config.onConnectFailure,
      log,
    };
    const { argsBytes, headersBytes } = config.limits;
    const broker = await createBroker({
      ...limits,
      target: config.broker,
      partitions: config.partitions,
      // Headers, and meta of the same size.
      recordBytes: argsBytes + 2 * headersBytes + RECORD_OVERHEAD_BYTES,
    });
    const resultBackend =
      config.resultBackend &&
      (await createResultBackend({ ...limits, target: config.resultBackend }));
    return new StemRuntime(config, broker, resultBackend, new SignalBus(log), log, explorer);
  }

  /** Learns the application's tasks and listeners, then connects. */
  async onModuleInit(): Promise<void> {
    this.#learn();
    try {
      await Promise.all([this.broker.connect(), this.resultBackend?.connect()]);
    } catch (error) {
      // Nothing must go on reconnecting, or the process that failed to boot would stay.
      await this.#close();
      throw error;
    }
    if (!threadLink()) this.log.log(this.#describe());
    this.#warnOfUnservedQueues();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.#close();
  }

  /** The Stem of this name in the same application. */
  sibling(name: string): StemRuntime | undefined {
    return this.explorer.instances(isRuntime).find(({ config }) => config.name === name);
  }

  #learn(): void {
    const { name } = this.config;
    const names = this.explorer.instances(isRuntime).map(({ config }) => config.name);
    if (names.filter((other) => other === name).length > 1) {
      throw new StemConfigError({
        option: 'name',
        value: name,
        expected: 'each StemModule of one application to have a name of its own',
      });
    }
    for (const { name: task, options } of this.config.tasks) {
      const place = `tasks: [defineTask('${task}')]`;
      this.registry.register({
        name: task,
        options: resolveTaskOptions(options, place),
        place,
        invoke: undefined,
      });
    }
    const { tasks, listeners } = this.explorer.explore();
    for (const task of tasks) {
      if (isMeant(task.options.stem, task.place, name, names)) this.registry.register(task);
    }
    for (const listener of listeners) {
      if (!isMeant(listener.stem, listener.place, name, names)) continue;
      this.signals.on(listener.name, listener.listen, listener.filter);
    }
  }

  #describe(): string {
    const { config, broker, resultBackend } = this;
    const { worker } = config;
    const results = resultBackend ? `, results in ${resultBackend.description}` : '';
    const work = worker
      ? `worker '${worker.name}' on queues ${worker.queues.join(', ')}, concurrency ${worker.concurrency}`
      : 'no worker in this process';
    return `Connected to ${broker.description}${results}, namespace '${config.namespace}'; ${work}`;
  }

  /** Right where other processes serve them, but a frequent reason why "nothing happens". */
  #warnOfUnservedQueues(): void {
    const { worker, defaultQueue } = this.config;
    if (!worker) return;
    const unserved = this.registry
      .list()
      .filter(({ invoke, options }) => {
        return invoke && !worker.queues.includes(options.queue ?? defaultQueue);
      })
      .map(({ name, options }) => `'${name}' (queue '${options.queue ?? defaultQueue}')`);
    if (unserved.length === 0) return;
    this.log.warn(
      `This worker takes tasks from ${worker.queues.join(', ')} only; others must run ` +
        `${unserved.join(', ')}, or add the queue to worker.queues.`,
    );
  }

  /** Closes what was made here; instances that were given by the application stay its own. */
  async #close(): Promise<void> {
    const { config, broker, resultBackend } = this;
    const closings = await Promise.allSettled([
      config.broker.kind === 'instance' ? undefined : broker.close(),
      config.resultBackend?.kind === 'instance' ? undefined : resultBackend?.close(),
    ]);
    for (const closing of closings) {
      if (closing.status === 'rejected') this.log.warn(`Closing failed: ${String(closing.reason)}`);
    }
  }
}

function isRuntime(instance: unknown): instance is StemRuntime {
  return instance instanceof StemRuntime;
}

/** The application's own logger, or Nest's in a context that names a Stem which has a name. */
export function loggerOf(config: ResolvedStemConfig, context: string): TaskLogger {
  const { logger, name } = config;
  return logger ?? new Logger(name === DEFAULT_STEM_NAME ? context : `${context}:${name}`);
}

/** Whether something that names a Stem, or none, belongs to this one. */
function isMeant(
  stem: string | undefined,
  place: string,
  name: string,
  names: readonly string[],
): boolean {
  if (stem === undefined || stem === name) return true;
  if (names.includes(stem)) return false;
  throw new StemConfigError({
    option: `stem of ${place}`,
    value: stem,
    expected: `the name of a Stem of this application: ${names.join(', ')}`,
  });
}
