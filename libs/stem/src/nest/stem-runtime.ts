import {
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type OnModuleInit,
} from '@nestjs/common';
import { checkCodeSchedules, type CodeSchedule } from '../beat/code-schedules.js';
import type { Broker, ResultBackend } from '../broker/broker.js';
import type { ConnectionLimits } from '../broker/broker-config.js';
import { createBroker, createResultBackend, createScheduleStore } from '../broker/create-broker.js';
import type { ScheduleStore } from '../broker/schedule-store.js';
import { StemClient } from '../client/stem-client.js';
import { processOverrides } from '../config/process-overrides.js';
import type { ResolvedStemConfig } from '../config/resolved-config.js';
import { DEFAULT_STEM_NAME } from '../config/resolve-options.js';
import { StemConfigError } from '../core/errors.js';
import { SignalBus } from '../core/signals.js';
import type { TaskLogger } from '../core/task-context.js';
import { TaskObservers } from '../core/task-observer.js';
import { resolveTaskOptions } from '../core/task-options.js';
import { TaskRegistry } from '../core/task-registry.js';
import { Monitor } from '../monitor/monitor.js';
import { loadTelemetry } from '../telemetry/load-telemetry.js';
import type { Telemetry } from '../telemetry/telemetry.js';
import { threadLink } from '../worker/isolation/thread-link.js';
import type { NestScheduleAdoption } from './nest-schedule.js';
import type { StemExplorer } from './stem.explorer.js';
import type { StemHarness } from './stem-harness.js';

/** Room in a record for names, ids and punctuation. */
const RECORD_OVERHEAD_BYTES = 16_384;

/**
 * One Stem of an application: its configuration, its connection and what it knows. Lives in a global
 * module, so it is ready before every other module starts and closes after all of them.
 */
export class StemRuntime implements OnModuleInit, OnApplicationBootstrap, OnApplicationShutdown {
  readonly registry = new TaskRegistry();
  readonly client: StemClient;
  /** Tells listeners of this process what happens. */
  readonly signals: SignalBus;
  /** Those who see what becomes of its tasks in this process. */
  readonly observers: TaskObservers;
  /** Traces and measures; absent where nobody wants it. */
  readonly telemetry: Telemetry | undefined;
  /** Shows operators what it does; absent when that is off, or the broker cannot keep it. */
  readonly monitor: Monitor | undefined;
  /** Where schedules live; absent when the broker keeps none and no other place was given. */
  readonly scheduleStore: ScheduleStore | undefined;
  /** The `@Schedule`s of this Stem, known after its init. */
  codeSchedules: readonly CodeSchedule[] = [];

  private constructor(
    readonly config: ResolvedStemConfig,
    readonly broker: Broker,
    readonly resultBackend: ResultBackend | undefined,
    private readonly ownScheduleStore: ScheduleStore | undefined,
    spectators: Spectators,
    private readonly log: TaskLogger,
    private readonly explorer: StemExplorer,
    private readonly adoption: NestScheduleAdoption | undefined,
    /** Has this Stem in hand, in a test. */
    readonly harness: StemHarness | undefined,
  ) {
    this.scheduleStore = ownScheduleStore ?? broker.schedules;
    this.signals = spectators.signals;
    this.observers = spectators.observers;
    this.telemetry = spectators.telemetry;
    const { monitor: store } = broker;
    this.monitor =
      config.monitor && store
        ? new Monitor({
            store,
            observers: this.observers,
            log,
            now: () => broker.now(),
            options: config.monitor,
          })
        : undefined;
    this.client = new StemClient({
      broker,
      resultBackend,
      scheduleStore: this.scheduleStore,
      registry: this.registry,
      signals: this.signals,
      observers: this.observers,
      tracer: this.telemetry?.tracer,
      rules: config,
    });
    harness?.attach(this);
  }

  /** Puts a Stem together; nothing is connected yet. */
  static async create(
    config: ResolvedStemConfig,
    explorer: StemExplorer,
    harness?: StemHarness,
  ): Promise<StemRuntime> {
    const log = loggerOf(config, 'Stem');
    // At once: as soon as something is awaited, @nestjs/schedule may have looked for its methods.
    const adoption = config.beat?.adoptNestSchedule
      ? explorer.adoptNestSchedule((name, reason) => {
          log.warn(`${name} stays with @nestjs/schedule, once per process: ${reason}`);
        })
      : undefined;
    const spectators = await spectatorsOf(config, log);
    const link = threadLink();
    if (link) {
      // In a thread of isolated tasks: the main thread has the worker, the Beat and the connections.
      return new StemRuntime(
        { ...config, worker: undefined, beat: undefined },
        link.broker(config.name, config.partitions),
        config.resultBackend && link.resultBackend(config.name),
        undefined,
        spectators,
        log,
        explorer,
        adoption,
        harness,
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
    const scheduleStore =
      config.scheduleStore &&
      (await createScheduleStore({ ...limits, target: config.scheduleStore }));
    return new StemRuntime(
      config,
      broker,
      resultBackend,
      scheduleStore,
      spectators,
      log,
      explorer,
      adoption,
      harness,
    );
  }

  /** Learns the application's tasks and listeners, then connects. */
  async onModuleInit(): Promise<void> {
    this.#learn();
    if (processOverrides()?.connect === false) return;
    try {
      await Promise.all([
        this.broker.connect(),
        this.resultBackend?.connect(),
        this.ownScheduleStore?.connect(),
      ]);
    } catch (error) {
      // Nothing must go on reconnecting, or the process that failed to boot would stay.
      await this.#close();
      throw error;
    }
    if (!threadLink()) this.log.log(this.#describe());
    this.#warnOfUnservedQueues();
  }

  onApplicationBootstrap(): void {
    this.adoption?.release();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.#close();
  }

  /** Names the application in what it declares; see `beat.owner`. */
  get owner(): string {
    return this.config.beat?.owner ?? this.explorer.rootModuleName();
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
    const { tasks, schedules, listeners } = this.explorer.explore(this.adoption);
    for (const task of tasks) {
      if (isMeant(task.options.stem, task.place, name, names)) this.registry.register(task);
    }
    this.codeSchedules = schedules.filter(({ stem, place }) => isMeant(stem, place, name, names));
    checkCodeSchedules(this.codeSchedules, this.registry, this.config);
    for (const listener of listeners) {
      if (!isMeant(listener.stem, listener.place, name, names)) continue;
      this.signals.on(listener.name, listener.listen, listener.filter);
    }
  }

  #describe(): string {
    const { config, broker, resultBackend, ownScheduleStore } = this;
    const { worker } = config;
    const schedules = ownScheduleStore ? `, schedules in ${ownScheduleStore.description}` : '';
    const results = resultBackend ? `, results in ${resultBackend.description}` : '';
    const work = worker
      ? `worker '${worker.name}' on queues ${worker.queues.join(', ')}, concurrency ${worker.concurrency}`
      : 'no worker in this process';
    return `Connected to ${broker.description}${results}${schedules}, namespace '${config.namespace}'; ${work}`;
  }

  /** Right where other processes serve them, but a frequent reason why "nothing happens". */
  #warnOfUnservedQueues(): void {
    const { worker, defaultQueue } = this.config;
    if (!worker || this.harness) return;
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
    this.adoption?.release();
    this.telemetry?.close();
    const { config, broker, resultBackend, ownScheduleStore, monitor } = this;
    await monitor?.stop(config.commandTimeoutMs);
    const closings = await Promise.allSettled([
      config.broker.kind === 'instance' ? undefined : broker.close(),
      config.resultBackend?.kind === 'instance' ? undefined : resultBackend?.close(),
      config.scheduleStore?.kind === 'instance' ? undefined : ownScheduleStore?.close(),
    ]);
    for (const closing of closings) {
      if (closing.status === 'rejected') this.log.warn(`Closing failed: ${String(closing.reason)}`);
    }
  }
}

/** Those who are told what happens in this process. */
interface Spectators {
  readonly signals: SignalBus;
  readonly observers: TaskObservers;
  readonly telemetry: Telemetry | undefined;
}

async function spectatorsOf(
  { namespace, telemetry }: ResolvedStemConfig,
  log: TaskLogger,
): Promise<Spectators> {
  const signals = new SignalBus(log);
  const observers = new TaskObservers(log);
  return {
    signals,
    observers,
    telemetry: await loadTelemetry(telemetry, { namespace, observers, signals }),
  };
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
