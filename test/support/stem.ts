import { MemoryBroker } from '../../libs/stem/src/broker/memory/memory-broker.js';
import type { Broker, ResultBackend } from '../../libs/stem/src/broker/broker.js';
import { RedisBroker } from '../../libs/stem/src/broker/redis/redis-broker.js';
import { enqueueChild } from '../../libs/stem/src/client/child-task.js';
import { StemClient } from '../../libs/stem/src/client/stem-client.js';
import type { ResolvedWorkerOptions } from '../../libs/stem/src/config/resolved-config.js';
import { SignalBus } from '../../libs/stem/src/core/signals.js';
import { TaskObservers } from '../../libs/stem/src/core/task-observer.js';
import type { TaskLogger } from '../../libs/stem/src/core/task-context.js';
import { resolveTaskOptions, type TaskOptions } from '../../libs/stem/src/core/task-options.js';
import { type TaskInvoker, TaskRegistry } from '../../libs/stem/src/core/task-registry.js';
import { loadTelemetry } from '../../libs/stem/src/telemetry/load-telemetry.js';
import type { Telemetry } from '../../libs/stem/src/telemetry/telemetry.js';
import { Worker } from '../../libs/stem/src/worker/worker.js';

/** A logger that remembers what it was told. */
export class RememberingLogger implements TaskLogger {
  readonly lines: string[] = [];
  log = (message: string): void => void this.lines.push(`log ${message}`);
  warn = (message: string): void => void this.lines.push(`warn ${message}`);
  error = (message: string): void => void this.lines.push(`error ${message}`);
  debug = (message: string): void => void this.lines.push(`debug ${message}`);
}

/** Client and worker around one broker, without Nest, as one process would have them. */
export class TestStem {
  readonly registry = new TaskRegistry();
  readonly signals: SignalBus;
  readonly observers: TaskObservers;
  client: StemClient;
  #telemetry: Telemetry | undefined;
  readonly #workers: Worker[] = [];

  constructor(
    readonly broker: Broker,
    readonly resultBackend?: ResultBackend,
    readonly log = new RememberingLogger(),
  ) {
    this.signals = new SignalBus(log);
    this.observers = new TaskObservers(log);
    this.client = this.#makeClient();
  }

  /** Traces and measures, where an SDK is registered or `wanted` says so. */
  async trace(wanted?: boolean): Promise<this> {
    const { observers, signals } = this;
    this.#telemetry = await loadTelemetry(wanted, { namespace: 'test', observers, signals });
    this.client = this.#makeClient();
    return this;
  }

  #makeClient(): StemClient {
    return new StemClient({
      broker: this.broker,
      resultBackend: this.resultBackend,
      registry: this.registry,
      signals: this.signals,
      observers: this.observers,
      tracer: this.#telemetry?.tracer,
      rules: {
        defaultQueue: 'default',
        allowUnknownTasks: false,
        partitions: 1,
        limits: { argsBytes: 1 << 20, headersBytes: 1 << 16 },
        resultTtlMs: 60_000,
      },
    });
  }

  task(name: string, invoke: TaskInvoker | undefined, options: TaskOptions = {}): this {
    this.registry.register({
      name,
      options: resolveTaskOptions({ retry: { delay: 10, jitter: false }, ...options }, name),
      place: name,
      invoke,
    });
    return this;
  }

  /** Another worker of this process; not started. */
  worker(options: Partial<ResolvedWorkerOptions> = {}): Worker {
    const worker = new Worker({
      broker: this.broker,
      resultBackend: this.resultBackend,
      registry: this.registry,
      signals: this.signals,
      observers: this.observers,
      tracer: this.#telemetry?.tracer,
      log: this.log,
      enqueueChild: (parent, task, args, childOptions) =>
        enqueueChild(this.client, parent, task, args, childOptions),
      options: {
        queues: ['default'],
        concurrency: 4,
        name: 'worker',
        prefetchMultiplier: 2,
        visibilityTimeoutMs: 30_000,
        heartbeatIntervalMs: 10_000,
        drainTimeoutMs: 5_000,
        pollIntervalMs: 1_000,
        maxDeliveries: 3,
        unhealthyAfterMs: 30_000,
        ...options,
      },
      defaults: { maxRetries: 3, resultTtlMs: 60_000, resultBytes: 1 << 20 },
    });
    this.#workers.push(worker);
    this.#telemetry?.measureWorker(worker, this.broker);
    return worker;
  }

  async close(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.stop({ mode: 'hard' })));
    this.#telemetry?.close();
    await this.broker.close();
    await this.resultBackend?.close();
  }
}

let namespaces = 0;

/** A namespace that no other test uses. */
export const freshNamespace = (): string => `test-${process.pid}-${++namespaces}`;

export const memoryStem = (): TestStem => new TestStem(new MemoryBroker());

export async function redisStem(url: string, namespace = freshNamespace()): Promise<TestStem> {
  const log = new RememberingLogger();
  const broker = new RedisBroker({ connection: { url }, namespace, commandTimeoutMs: 2_000, log });
  await broker.connect();
  return new TestStem(broker, undefined, log);
}

/** A promise with its ends in hand, for handlers that wait until the test lets them go. */
export interface Gate<T = void> {
  readonly promise: Promise<T>;
  readonly open: (value: T) => void;
}

export function gate<T = void>(): Gate<T> {
  let open!: (value: T) => void;
  const promise = new Promise<T>((resolve) => (open = resolve));
  return { promise, open };
}
