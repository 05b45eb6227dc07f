import { setTimeout as delay } from 'node:timers/promises';
import { getHeapStatistics } from 'node:v8';
import {
  isMainThread,
  MessageChannel,
  parentPort,
  threadId,
  workerData,
} from 'node:worker_threads';
import { formatDuration } from '../../core/duration.js';
import { TaskArgsError, UnknownTaskError } from '../../core/errors.js';
import { toJson } from '../../core/json.js';
import type { RegisteredTask } from '../../core/task-registry.js';
import { RetryRequest } from '../retry-request.js';
import { ruleOn } from '../verdict.js';
import { packError } from './crossing-error.js';
import type {
  BootReport,
  RunJob,
  ThreadEnd,
  ThreadHello,
  ThreadJob,
  ThreadStart,
} from './protocol.js';
import { type EnqueueFromThread, RemoteContext } from './remote-context.js';
import { setThreadLink } from './thread-link.js';
import { ThreadPort } from './thread-port.js';

/** The application as it was booted in this thread. */
export interface ThreadApp {
  /** Tasks of the Stem that the thread works for. */
  readonly tasks: readonly RegisteredTask[];
  readonly enqueueChild: EnqueueFromThread;
  close(): Promise<void>;
}

/** Boots the application; the link must be in place before any of its modules is loaded. */
export type BootThreadApp = (start: ThreadStart, port: ThreadPort) => Promise<ThreadApp>;

/** Boots the application in this thread and returns what carries out the pool's jobs. */
export function serveThread(boot: BootThreadApp): (job: ThreadJob) => Promise<BootReport | void> {
  if (isMainThread || !parentPort) {
    throw new TypeError('This module is the entry of a worker thread; nobody else may load it.');
  }
  const { port1, port2 } = new MessageChannel();
  const hello: ThreadHello = { hello: 'nestjs-stem', threadId, port: port2 };
  parentPort.postMessage(hello, [port2]);
  let thread: Thread | undefined = undefined;
  const port = new ThreadPort(port1, (run, reason) => thread?.abort(run, reason));
  setThreadLink(port);
  thread = new Thread(workerData as ThreadStart, port, boot);
  return (job) => thread.work(job);
}

/** Carries out jobs, one at a time. */
class Thread {
  readonly #start: ThreadStart;
  readonly #port: ThreadPort;
  readonly #booting: Promise<ThreadApp>;
  #app: ThreadApp | undefined;
  #tasks = new Map<string, RegisteredTask>();
  #context: { readonly run: number; readonly context: RemoteContext } | undefined;
  #done = 0;

  constructor(start: ThreadStart, port: ThreadPort, boot: BootThreadApp) {
    this.#start = start;
    this.#port = port;
    this.#booting = this.#boot(boot);
    // Whoever gives the first job learns of it.
    this.#booting.catch(() => undefined);
  }

  abort(run: number, reason: Error): void {
    if (this.#context?.run === run) this.#context.context.abort(reason);
  }

  async work(job: ThreadJob): Promise<BootReport | void> {
    switch (job.kind) {
      case 'boot':
        return this.#report();
      case 'close':
        return this.#close();
      case 'run':
        return this.#run(job.run);
    }
  }

  async #boot(boot: BootThreadApp): Promise<ThreadApp> {
    const { bootTimeoutMs } = this.#start;
    const giveUp = new AbortController();
    let onUncaught: ((error: Error) => void) | undefined;
    try {
      // A stray rejection would end this thread, and the one that takes its place, and so on.
      const stray = new Promise<never>((_resolve, reject) => {
        process.on('uncaughtException', (onUncaught = reject));
      });
      const late = delay(bootTimeoutMs, undefined, { signal: giveUp.signal }).then(() => {
        throw new Error(`It has not booted within ${formatDuration(bootTimeoutMs)}.`);
      });
      this.#app = await Promise.race([boot(this.#start, this.#port), stray, late]);
    } finally {
      giveUp.abort();
      if (onUncaught) process.off('uncaughtException', onUncaught);
    }
    for (const task of this.#app.tasks) this.#tasks.set(task.name, task);
    this.#port.tell({ type: 'booted' });
    return this.#app;
  }

  async #report(): Promise<BootReport> {
    try {
      await this.#booting;
      return { booted: true, tasks: [...this.#tasks.keys()] };
    } catch (error) {
      return { booted: false, error: packError(error) };
    }
  }

  async #run(job: RunJob): Promise<void> {
    let app: ThreadApp;
    try {
      app = await this.#booting;
    } catch (error) {
      const end: ThreadEnd = { kind: 'not-booted', error: packError(error) };
      this.#port.tell({ type: 'ended', run: job.number, end, retire: true });
      return this.#retire(job);
    }
    const context = new RemoteContext(job, {
      port: this.#port,
      enqueueChild: app.enqueueChild,
      progressBytes: this.#start.resultBytes,
    });
    this.#context = { run: job.number, context };
    this.#port.tell({ type: 'started', run: job.number });
    const end = await this.#call(job, context);
    this.#context = undefined;
    this.#done++;
    const retire = this.#isSpent();
    this.#port.tell({ type: 'ended', run: job.number, end, retire });
    if (retire) await this.#retire(job);
  }

  async #call(job: RunJob, context: RemoteContext): Promise<ThreadEnd> {
    const task = this.#tasks.get(job.name);
    try {
      if (!task?.invoke) throw new UnknownTaskError(job.name, []);
      const value = await task.invoke(job.args, context);
      return this.#returned(value, task, context);
    } catch (thrown) {
      const { error, ruling } = task
        ? ruleOn(thrown, task.options.retry, job.attempt)
        : { error: thrown, ruling: undefined };
      const retry =
        error instanceof RetryRequest ? { delayMs: error.delayMs, dueAt: error.dueAt } : undefined;
      return { kind: 'threw', error: packError(error), ruling, retry };
    }
  }

  #returned(value: unknown, task: RegisteredTask, context: RemoteContext): ThreadEnd {
    if (value === undefined || task.options.ignoreResult) {
      return { kind: 'returned', json: undefined };
    }
    try {
      const what = `The result of task '${task.name}'`;
      const json = toJson(value, what, this.#start.resultBytes, context.where);
      return { kind: 'returned', json };
    } catch (error) {
      if (!(error instanceof TaskArgsError)) throw error;
      const ruling = { retryable: false, reason: 'result-not-serialisable' } as const;
      return { kind: 'threw', error: packError(error), ruling, retry: undefined };
    }
  }

  #isSpent(): boolean {
    const { maxTasks, maxBytes } = this.#start;
    if (maxTasks !== undefined && this.#done >= maxTasks) return true;
    if (maxBytes === undefined) return false;
    const { used_heap_size: heap, external_memory: external } = getHeapStatistics();
    return heap + external > maxBytes;
  }

  /** The result is on its way already; the main thread ends this one when it is told, or tires of it. */
  async #retire(job: RunJob): Promise<void> {
    await this.#close();
    this.#port.tell({ type: 'retired', run: job.number });
    // The job must not end, or the pool would give us another.
    await new Promise(() => undefined);
  }

  async #close(): Promise<void> {
    const app = this.#app;
    this.#app = undefined;
    try {
      await app?.close();
    } catch (error) {
      const parts = [`Closing the application in a thread failed: ${String(error)}`, 'StemWorker'];
      this.#port.tell({ type: 'app-log', level: 'warn', parts });
    }
  }
}
