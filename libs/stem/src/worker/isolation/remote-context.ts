import type { Duration } from '../../core/duration.js';
import type { TaskCoordinates } from '../../core/errors.js';
import { type JsonObject, type JsonValue, toJson } from '../../core/json.js';
import type {
  ChildTaskOptions,
  RetryRequestOptions,
  TaskContext,
  TaskLogger,
} from '../../core/task-context.js';
import { RetryRequest } from '../retry-request.js';
import type { RunJob } from './protocol.js';
import type { ThreadPort } from './thread-port.js';

type Enqueued = Promise<{ readonly id: string; readonly created: boolean }>;

/** Enqueues a child of a run, by the client of the application in this thread. */
export type EnqueueFromThread = (
  parent: RunJob,
  task: string | { readonly name: string },
  args: unknown,
  options: ChildTaskOptions | undefined,
) => Enqueued;

/** What a {@link RemoteContext} works with. */
export interface RemoteContextParts {
  readonly port: ThreadPort;
  readonly enqueueChild: EnqueueFromThread;
  /** Largest progress data in bytes. */
  readonly progressBytes: number;
}

/** The context of a handler that runs in a thread: what it asks for is done by the main thread. */
export class RemoteContext implements TaskContext {
  readonly id: string;
  readonly name: string;
  readonly queue: string;
  readonly attempt: number;
  readonly maxRetries: number;
  readonly deliveries: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly meta: JsonObject;
  readonly enqueuedAt: Date;
  readonly log: TaskLogger;
  readonly #job: RunJob;
  readonly #parts: RemoteContextParts;
  readonly #controller = new AbortController();

  constructor(job: RunJob, parts: RemoteContextParts) {
    this.#job = job;
    this.#parts = parts;
    this.id = job.id;
    this.name = job.name;
    this.queue = job.queue;
    this.attempt = job.attempt;
    this.maxRetries = job.maxRetries;
    this.deliveries = job.deliveries;
    this.headers = job.headers;
    this.meta = job.meta;
    this.enqueuedAt = new Date(job.enqueuedAt);
    const log =
      (level: 'log' | 'warn' | 'error' | 'debug') =>
      (message: string): void =>
        parts.port.tell({ type: 'task-log', run: job.number, level, message: String(message) });
    this.log = { log: log('log'), warn: log('warn'), error: log('error'), debug: log('debug') };
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** The worker asks the handler to end. */
  abort(reason: Error): void {
    this.#controller.abort(reason);
  }

  async progress(fraction: number, data?: JsonValue): Promise<void> {
    const json =
      data === undefined
        ? undefined
        : toJson(data, 'progress data', this.#parts.progressBytes, this.where);
    await this.#parts.port.callContext(this.#job.number, 'progress', [fraction, json]);
  }

  async heartbeat(): Promise<void> {
    await this.#parts.port.callContext(this.#job.number, 'heartbeat', []);
  }

  async extendLease(duration: Duration): Promise<void> {
    await this.#parts.port.callContext(this.#job.number, 'extendLease', [duration]);
  }

  retry(options: RetryRequestOptions = {}): never {
    throw RetryRequest.from(options, this.where);
  }

  enqueue(
    task: string | { readonly name: string },
    args?: unknown,
    options?: ChildTaskOptions,
  ): Enqueued {
    return this.#parts.enqueueChild(this.#job, task, args, options);
  }

  get where(): TaskCoordinates {
    return { taskId: this.id, taskName: this.name, queue: this.queue };
  }
}
