import { setTimeout as delay } from 'node:timers/promises';
import type { MessagePort } from 'node:worker_threads';
import { Piscina } from 'piscina';
import type { Broker, ResultBackend } from '../../broker/broker.js';
import type { ScheduleStore } from '../../broker/schedule-store.js';
import {
  StemConfigError,
  type ThreadCrash,
  ThreadCrashedError,
  WorkerStoppingError,
} from '../../core/errors.js';
import { JsonText, type JsonValue } from '../../core/json.js';
import type { Duration } from '../../core/duration.js';
import type { TaskContext, TaskLogger } from '../../core/task-context.js';
import { RetryRequest } from '../retry-request.js';
import type { RunEnd } from '../verdict.js';
import type { ResolvedIsolationOptions } from '../../config/resolved-config.js';
import { packError, unpackError } from './crossing-error.js';
import type { IsolatedRun, IsolatedRunner } from './isolated-runner.js';
import type {
  BootReport,
  FromThread,
  LogLevel,
  RunJob,
  StoreKind,
  ThreadEnd,
  ThreadHello,
  ThreadJob,
  ThreadStart,
  ToThread,
} from './protocol.js';

const MIB = 1_048_576;
/** How long the application in a thread may take to boot. */
const BOOT_TIMEOUT_MS = 60_000;
/** How long the application in a thread may take to close. */
const CLOSE_GRACE_MS = 2_000;
/** Heap and buffers above this share of the limit, garbage included, are reason for a new thread. */
const SPENT_SHARE = 0.75;

/** What a {@link ThreadPool} works with. */
export interface ThreadPoolParts {
  /** File that every thread runs. */
  readonly entry: string;
  /** The Stem whose tasks the threads run. */
  readonly stem: string;
  readonly options: ResolvedIsolationOptions;
  /** Largest result and progress data, in bytes. */
  readonly resultBytes: number;
  readonly log: TaskLogger;
  /** The stores of a Stem of this application, for code in the threads. */
  readonly storesOf: (stem: string) => Stores | undefined;
  /** Takes what the application in a thread logs: a message and its context, as Nest passes them. */
  readonly onAppLog: (level: LogLevel, parts: readonly unknown[]) => void;
}

/** Where a Stem keeps its tasks. */
export interface Stores {
  readonly broker: Broker;
  readonly resultBackend: ResultBackend | undefined;
  /** Absent: with the broker. */
  readonly scheduleStore?: ScheduleStore | undefined;
}

/**
 * Worker threads, in each of which the application is booted once and runs one task at a time.
 *
 * The threads are Piscina's: it starts them, hands jobs out, and replaces a thread that ended or whose
 * job was aborted. To abort a job is therefore the one way in which a thread is ended here.
 */
export class ThreadPool implements IsolatedRunner {
  readonly #parts: ThreadPoolParts;
  readonly #pool: Piscina;
  readonly #runs = new Map<number, PooledRun>();
  /** Runs that are over, whose thread still has to be ended. */
  readonly #retiring = new Map<number, () => void>();
  /** Threads in which the application is ready. */
  readonly #booted = new Set<number>();
  #lastRun = 0;
  #closing: Promise<void> | undefined;

  constructor(parts: ThreadPoolParts) {
    this.#parts = parts;
    const { module, export: exported, threads } = parts.options;
    const { maxTasksPerThread, maxMemoryPerThread } = parts.options;
    const workerData: ThreadStart = {
      module,
      export: exported,
      stem: parts.stem,
      maxTasks: maxTasksPerThread,
      maxBytes:
        maxMemoryPerThread === undefined ? undefined : Math.floor(maxMemoryPerThread * SPENT_SHARE),
      resultBytes: parts.resultBytes,
      bootTimeoutMs: BOOT_TIMEOUT_MS,
    };
    this.#pool = new Piscina({
      filename: parts.entry,
      // A fixed number, so that a thread that ended is replaced at once.
      minThreads: threads,
      maxThreads: threads,
      concurrentTasksPerWorker: 1,
      // Otherwise a thread would sleep between two jobs, and sockets and timers of the application with it.
      atomics: 'disabled',
      recordTiming: false,
      workerData,
      ...(maxMemoryPerThread === undefined
        ? {}
        : { resourceLimits: { maxOldGenerationSizeMb: Math.floor(maxMemoryPerThread / MIB) } }),
      loadBalancer: (_job, threads) => {
        const idle = threads.filter((thread) => thread.currentUsage === 0);
        return idle.find(({ id }) => this.#booted.has(id)) ?? idle[0] ?? null;
      },
    });
    this.#pool.on('message', (message: unknown) => {
      if (isHello(message)) this.#greet(message);
    });
    this.#pool.on('error', (error: unknown) => {
      parts.log.error(`A thread for isolated tasks ended while it was idle: ${messageOf(error)}`);
    });
  }

  /** Threads that exist now. */
  get threads(): number {
    return this.#pool.threads.length;
  }

  /**
   * Waits until the application has booted in a thread.
   *
   * @param tasks names that it must have handlers of.
   * @throws {StemConfigError} when it cannot be booted, or lacks one of them.
   */
  async start(tasks: readonly string[]): Promise<void> {
    const { options } = this.#parts;
    const refusal = (expected: string, cause?: unknown): StemConfigError =>
      new StemConfigError(
        { option: 'worker.isolation.module', value: options.module, expected },
        { cause },
      );
    let report: BootReport;
    try {
      const timeout = AbortSignal.timeout(BOOT_TIMEOUT_MS + CLOSE_GRACE_MS);
      report = (await this.#give({ kind: 'boot' }, timeout)) as BootReport;
    } catch (error) {
      const { reason } = causeOfDeath(error);
      throw refusal(`a module whose application boots in a worker thread; there, ${reason}`, error);
    }
    if (!report.booted) {
      const error = unpackError(report.error);
      if (error instanceof StemConfigError) throw error;
      const fault = `${error.name}: ${error.message}`;
      throw refusal(`a module whose application boots in a worker thread (${fault})`, error);
    }
    const known = new Set(report.tasks);
    const missing = tasks.filter((task) => !known.has(task));
    if (missing.length > 0) {
      throw refusal(
        `the module of an application that has the handlers of all isolated tasks; it lacks ` +
          missing.map((task) => `'${task}'`).join(', '),
      );
    }
  }

  run(context: TaskContext, args: unknown, onStarted: () => void): IsolatedRun {
    const number = ++this.#lastRun;
    const run = new PooledRun(number, context, onStarted);
    if (this.#closing) {
      run.end({ returned: false, error: new WorkerStoppingError('The worker has stopped.') });
      return run;
    }
    this.#runs.set(number, run);
    void run.ended.then(() => this.#runs.delete(number));
    this.#give({ kind: 'run', run: toJob(number, context, args) }, run.killed).catch(
      (error: unknown) => run.end({ returned: false, error: crashOf(error, context) }),
    );
    return run;
  }

  drain(): void {
    this.#pool.options.minThreads = 0;
  }

  close({ graceful }: { graceful: boolean }): Promise<void> {
    return (this.#closing ??= this.#close(graceful));
  }

  async #close(graceful: boolean): Promise<void> {
    this.drain();
    for (const run of this.#runs.values()) run.terminate();
    for (const kill of this.#retiring.values()) kill();
    if (graceful) {
      const giveUp = new AbortController();
      // Each idle thread takes one, and none is free for a second before all of them have ended.
      const closings = this.#pool.threads.map(() =>
        this.#give({ kind: 'close' }, giveUp.signal).catch(() => undefined),
      );
      await Promise.race([
        Promise.all(closings),
        delay(CLOSE_GRACE_MS, undefined, { signal: giveUp.signal }).catch(() => undefined),
      ]);
      giveUp.abort();
    }
    await this.#pool.destroy();
  }

  #give(job: ThreadJob, signal: AbortSignal): Promise<unknown> {
    return this.#pool.run(job, { signal });
  }

  #greet({ threadId, port }: ThreadHello): void {
    port.on('message', (message: FromThread) => this.#hear(message, threadId, port));
    port.on('close', () => this.#booted.delete(threadId));
    // An idle thread must not keep the process alive.
    port.unref();
  }

  #hear(message: FromThread, threadId: number, port: MessagePort): void {
    switch (message.type) {
      case 'booted':
        this.#booted.add(threadId);
        break;
      case 'started':
        this.#runs.get(message.run)?.start(port);
        break;
      case 'ended':
        this.#end(message.run, message.end, message.retire, threadId);
        break;
      case 'retired':
        this.#retiring.get(message.run)?.();
        break;
      case 'context':
        void answer(port, message.call, () => {
          const context = this.#runs.get(message.run)?.context;
          return context && callContext(context, message.method, message.args);
        });
        break;
      case 'store':
        void answer(port, message.call, () => {
          const store = storeOf(this.#parts.storesOf(message.stem), message.store);
          return callMethod(store, message.method, message.args);
        });
        break;
      case 'task-log':
        this.#runs.get(message.run)?.context.log[message.level](message.message);
        break;
      case 'app-log':
        this.#parts.onAppLog(message.level, message.parts);
        break;
    }
  }

  #end(number: number, end: ThreadEnd, retire: boolean, threadId: number): void {
    const run = this.#runs.get(number);
    if (retire && run) {
      this.#booted.delete(threadId);
      const timer = setTimeout(() => kill(), CLOSE_GRACE_MS);
      const kill = (): void => {
        clearTimeout(timer);
        this.#retiring.delete(number);
        run.kill();
      };
      this.#retiring.set(number, kill);
    }
    run?.end(toRunEnd(end, run.context));
  }
}

/** One attempt, from its place in the pool's queue to its end. */
class PooledRun implements IsolatedRun {
  readonly number: number;
  readonly context: TaskContext;
  readonly ended: Promise<RunEnd>;
  readonly #onStarted: () => void;
  readonly #killer = new AbortController();
  #settle!: (end: RunEnd) => void;
  #isOver = false;
  #port: MessagePort | undefined;

  constructor(number: number, context: TaskContext, onStarted: () => void) {
    this.number = number;
    this.context = context;
    this.#onStarted = onStarted;
    this.ended = new Promise((resolve) => (this.#settle = resolve));
  }

  /** Aborts when the thread is to be ended. */
  get killed(): AbortSignal {
    return this.#killer.signal;
  }

  start(port: MessagePort): void {
    this.#port = port;
    if (!this.#isOver) this.#onStarted();
  }

  end(end: RunEnd): void {
    this.#isOver = true;
    this.#settle(end);
  }

  abort(reason: Error): void {
    if (this.#isOver) return;
    if (this.#port) {
      const { number } = this;
      this.#port.postMessage({
        type: 'abort',
        run: number,
        reason: packError(reason),
      } satisfies ToThread);
      return;
    }
    this.end({ returned: false, error: reason });
    this.kill();
  }

  terminate(): void {
    if (this.#isOver) return;
    this.end({ returned: false, error: new WorkerStoppingError('The thread was terminated.') });
    this.kill();
  }

  kill(): void {
    this.#killer.abort();
  }
}

function toJob(number: number, context: TaskContext, args: unknown): RunJob {
  const { id, name, queue, attempt, maxRetries, deliveries, headers, meta } = context;
  const enqueuedAt = context.enqueuedAt.getTime();
  return {
    number,
    id,
    name,
    queue,
    attempt,
    maxRetries,
    deliveries,
    headers,
    meta,
    enqueuedAt,
    args,
  };
}

function toRunEnd(end: ThreadEnd, context: TaskContext): RunEnd {
  switch (end.kind) {
    case 'returned':
      return {
        returned: true,
        value: end.json === undefined ? undefined : new JsonText(end.json),
      };
    case 'threw': {
      const { retry, ruling } = end;
      const thrown = unpackError(end.error);
      const error = retry ? new RetryRequest(thrown.message, retry, whereOf(context)) : thrown;
      return { returned: false, error, ...(ruling ? { ruling } : {}) };
    }
    case 'not-booted': {
      const cause = unpackError(end.error);
      const message =
        `Task '${context.name}' could not start: the application did not boot in its thread. ` +
        `${cause.name}: ${cause.message}`;
      const init = { ...whereOf(context), cause };
      return { returned: false, error: new ThreadCrashedError(message, 'boot-failed', init) };
    }
  }
}

function crashOf(error: unknown, context: TaskContext): ThreadCrashedError {
  const { crash, reason } = causeOfDeath(error);
  const cause = error instanceof Error ? error : new Error(messageOf(error));
  return new ThreadCrashedError(
    `The thread of task '${context.name}' ended under it: ${reason}. Only this attempt is affected.`,
    crash,
    { ...whereOf(context), ...(crash === 'uncaught-error' ? { cause } : {}) },
  );
}

function causeOfDeath(error: unknown): { crash: ThreadCrash; reason: string } {
  const message = messageOf(error);
  if ((error as { code?: unknown } | null)?.code === 'ERR_WORKER_OUT_OF_MEMORY') {
    return { crash: 'out-of-memory', reason: `it ran out of memory (${message})` };
  }
  const code = /^worker exited with code: (\d+)$/.exec(message)?.[1];
  if (code !== undefined) return { crash: 'exit', reason: `process.exit(${code}) was called` };
  return { crash: 'uncaught-error', reason: `an error was not caught: ${message}` };
}

function messageOf(error: unknown): string {
  const message = (error as { message?: unknown } | null)?.message;
  return typeof message === 'string' ? message : String(error);
}

function whereOf({ id, name, queue }: TaskContext): {
  taskId: string;
  taskName: string;
  queue: string;
} {
  return { taskId: id, taskName: name, queue };
}

function callContext(
  context: TaskContext,
  method: 'progress' | 'heartbeat' | 'extendLease',
  args: readonly unknown[],
): Promise<void> {
  switch (method) {
    case 'progress': {
      const [fraction, json] = args as [number, string | undefined];
      const data = json === undefined ? undefined : (JSON.parse(json) as JsonValue);
      return context.progress(fraction, data);
    }
    case 'heartbeat':
      return context.heartbeat();
    case 'extendLease':
      return context.extendLease(args[0] as Duration);
  }
}

function callMethod(target: object | undefined, method: string, args: readonly unknown[]): unknown {
  const callable = (target as Record<string, unknown> | undefined)?.[method];
  if (typeof callable !== 'function') {
    throw new TypeError(`The main thread has no ${method} to call.`);
  }
  return Reflect.apply(callable, target, args);
}

function storeOf(stores: Stores | undefined, kind: StoreKind): object | undefined {
  switch (kind) {
    case 'broker':
      return stores?.broker;
    case 'results':
      return stores?.resultBackend;
    case 'schedules':
      return stores?.scheduleStore ?? stores?.broker.schedules;
  }
}

async function answer(port: MessagePort, call: number, ask: () => unknown): Promise<void> {
  let reply: ToThread;
  try {
    reply = { type: 'answer', call, value: await ask() };
  } catch (error) {
    reply = { type: 'refusal', call, error: packError(error) };
  }
  port.postMessage(reply);
}

function isHello(message: unknown): message is ThreadHello {
  return (message as { hello?: unknown } | null)?.hello === 'nestjs-stem';
}
