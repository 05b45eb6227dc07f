import type {
  Broker,
  CancelOutcome,
  EnqueueOutcome,
  ResultBackend,
  TaskRecord,
} from '../broker/broker.js';
import type { ScheduleStore } from '../broker/schedule-store.js';
import type { TaskDefinition } from '../core/define-task.js';
import { parseDuration } from '../core/duration.js';
import { ResultTimeoutError } from '../core/errors.js';
import type { SignalBus, SignalledTask } from '../core/signals.js';
import type { TaskRegistry } from '../core/task-registry.js';
import type { TaskObservers } from '../core/task-observer.js';
import type { EnqueueTrace, TaskTracer } from '../core/task-tracer.js';
import { DeadLetters } from './dead-letters.js';
import { outcomeOf } from './ended.js';
import type {
  EnqueueOptions,
  EnqueueParameters,
  EnqueueRequest,
  ResultsOf,
  TaskReference,
} from './enqueue-options.js';
import { Events } from './events.js';
import { checkHealth, type StemHealth } from './health.js';
import { type MetricsOptions, readMetrics, type StemMetrics } from './metrics.js';
import { Queues } from './queues.js';
import { Schedules } from './schedules.js';
import {
  type CancelOptions,
  type ResultOptions,
  TaskHandle,
  type TaskInquiries,
} from './task-handle.js';
import { type PreparationRules, type PreparedTask, TaskPreparer } from './task-preparer.js';
import { readResult, statusOf, type TaskStatus } from './task-status.js';
import { Tasks } from './tasks.js';
import { Workers } from './workers.js';

/** What a {@link StemClient} is made of. */
export interface StemClientParts {
  /** Connected, and closed, by whoever owns it. */
  readonly broker: Broker;
  readonly resultBackend?: ResultBackend | undefined;
  /** Default: the broker's own, where it has one. */
  readonly scheduleStore?: ScheduleStore | undefined;
  readonly registry: TaskRegistry;
  readonly signals: SignalBus;
  readonly observers?: TaskObservers | undefined;
  /** Absent: nobody traces. */
  readonly tracer?: TaskTracer | undefined;
  readonly rules: ClientRules;
}

/** The settings of a {@link StemClient}. */
export interface ClientRules extends PreparationRules {
  /** How long the record of a task that was cancelled is kept. */
  readonly resultTtlMs: number;
}

/** What is to be enqueued, before any of it was checked. */
interface Untyped {
  readonly task: TaskReference;
  readonly args?: unknown;
  readonly options?: EnqueueOptions | undefined;
}

/** Results of tasks, one for each handle. */
type HandlesOf<TResults extends readonly unknown[]> = {
  -readonly [K in keyof TResults]: TaskHandle<TResults[K]>;
};

const NO_HEADERS: Readonly<Record<string, string>> = Object.freeze({});
/** The wait for a result is renewed this often, so that a lost notification only delays it. */
const WAIT_SLICE_MS = 60_000;

/** Enqueues tasks and follows them. Safe to share; one per process and broker is enough. */
export class StemClient {
  /** Queues: numbers, pause, resume, purge. */
  readonly queues: Queues;
  /** Tasks that gave up. */
  readonly deadLetters: DeadLetters;
  /** What is due when. */
  readonly schedules: Schedules;
  /** Tasks by state, queue and name. */
  readonly tasks: Tasks;
  /** The workers of all processes: what they do, and orders for them. */
  readonly workers: Workers;
  /** What happens in all processes. */
  readonly events: Events;
  /** What happens to tasks and workers of this process: `signals.on(name, listener, filter?)`. */
  readonly signals: Pick<SignalBus, 'on'>;
  readonly #broker: Broker;
  readonly #resultBackend: ResultBackend | undefined;
  readonly #scheduleStore: ScheduleStore | undefined;
  readonly #signals: SignalBus;
  readonly #observers: TaskObservers | undefined;
  readonly #tracer: TaskTracer | undefined;
  readonly #preparer: TaskPreparer;
  readonly #resultTtlMs: number;
  readonly #inquiries: TaskInquiries;

  constructor(parts: StemClientParts) {
    const { broker, resultBackend, registry, signals, rules } = parts;
    this.#broker = broker;
    this.#resultBackend = resultBackend;
    this.#scheduleStore = parts.scheduleStore ?? broker.schedules;
    this.#signals = signals;
    this.#observers = parts.observers;
    this.#tracer = parts.tracer;
    this.#preparer = new TaskPreparer(registry, rules, (key) => broker.newTaskId(key));
    this.#resultTtlMs = rules.resultTtlMs;
    this.#inquiries = {
      awaitResult: (id, options) => this.#awaitResult(id, options),
      statusOf: (id) => this.#statusOf(id),
      cancel: (id, options) => this.cancel(id, options),
    };
    this.queues = new Queues(broker);
    this.deadLetters = new DeadLetters(broker, (count, queue) => {
      if (parts.observers?.isActive) parts.observers.replayed(count, queue);
    });
    this.schedules = new Schedules({
      store: this.#scheduleStore,
      preparer: this.#preparer,
      partitions: rules.partitions,
      enqueue: (task, args, options) => this.enqueue(task, args, options),
      stateOf: async (id) => (await broker.find(id))?.state,
    });
    this.tasks = new Tasks({ broker, describe: (record) => this.#describe(record) });
    this.workers = new Workers({ broker, resultTtlMs: rules.resultTtlMs });
    this.events = new Events(broker);
    this.signals = signals;
  }

  /**
   * Enqueues a task; resolved when the broker has accepted it.
   *
   * @param task a definition made by `defineTask`, which types the arguments and the result.
   * @param rest the arguments, and {@link EnqueueOptions}.
   * @throws {UnknownTaskError} when nothing in this application defines the name.
   * @throws {TaskArgsError} when arguments, headers or meta cannot be sent, before anything is.
   * @throws {EnqueueOptionError} naming the option at fault.
   * @throws {BrokerUnavailableError} when the task was not accepted.
   * @throws {BrokerFullError} when it was not accepted, for want of memory in Redis.
   * @throws {BrokerCommandError} when it was not accepted: Redis refused it for another reason.
   * @throws {BrokerTimeoutError} when it is unknown whether it was; with an `id` of your own you may
   *   safely enqueue it again.
   */
  enqueue<TArgs, TResult>(
    task: TaskDefinition<TArgs, TResult>,
    // Without NoInfer wrong arguments would widen TArgs instead of being refused.
    ...rest: EnqueueParameters<NoInfer<TArgs>>
  ): Promise<TaskHandle<TResult>>;
  /**
   * Enqueues a task by its name; throws what the typed form does.
   *
   * @param task the name.
   * @param args anything that JSON carries; left out, the handler gets `{}`.
   */
  enqueue<TResult = unknown>(
    task: string,
    args?: unknown,
    options?: EnqueueOptions,
  ): Promise<TaskHandle<TResult>>;
  async enqueue(
    task: TaskReference,
    args?: unknown,
    options?: EnqueueOptions,
  ): Promise<TaskHandle> {
    if (this.#tracer) {
      const [traced] = await this.#publishTraced(this.#tracer, [{ task, args, options }]);
      return traced as TaskHandle;
    }
    const prepared = this.#preparer.prepare(task, args, options);
    const [handle] = await this.#publish([prepared]);
    return handle as TaskHandle;
  }

  /**
   * Enqueues tasks in their order, all or none (per partition, where there are several). Many or large ones
   * are sent in pieces; once they are accepted, workers enqueue what is left if this process dies.
   *
   * @returns a handle for each, in the same order.
   * @throws what {@link enqueue} throws, before any of them is sent.
   */
  async enqueueMany<const TTasks extends readonly TaskReference[]>(requests: {
    readonly [K in keyof TTasks]: EnqueueRequest<TTasks[K]>;
  }): Promise<HandlesOf<ResultsOf<TTasks>>> {
    const all = requests as unknown as readonly EnqueueRequest[];
    const handles = this.#tracer
      ? await this.#publishTraced(this.#tracer, all)
      : await this.#publish(
          all.map(({ task, args, options }) => this.#preparer.prepare(task, args, options)),
        );
    return handles as HandlesOf<ResultsOf<TTasks>>;
  }

  /** A handle for any id; nothing is asked yet. */
  task<TResult = unknown>(id: string): TaskHandle<TResult> {
    return new TaskHandle<TResult>(id, false, this.#inquiries);
  }

  /**
   * Ends a waiting task, and asks a running one to stop by its `ctx.signal`.
   *
   * @returns `cancelled`; `requested` when it runs; `ended` when it already had; `not-found`.
   */
  async cancel(id: string, options: CancelOptions = {}): Promise<CancelOutcome> {
    const { reason = 'cancelled on request', terminate = false } = options;
    const outcome = await this.#broker.cancel(id, {
      reason,
      terminate,
      ttlMs: this.#resultTtlMs,
    });
    if (outcome === 'cancelled' && this.#observers?.isActive) void this.#tellCancelled(id, reason);
    return outcome;
  }

  async #tellCancelled(id: string, reason: string): Promise<void> {
    try {
      const record = await this.#broker.find(id);
      if (record) this.#observers?.cancelled(record, reason);
    } catch {
      // Whoever observes misses one; the task is cancelled all the same.
    }
  }

  /**
   * Numbers of all processes together: what was counted per task and queue, how the queues stand, and the
   * workers.
   *
   * @throws {StemConfigError} when the broker keeps no counts, or `window` is wrong.
   */
  metrics(options: MetricsOptions = {}): Promise<StemMetrics> {
    return readMetrics(this.#broker, options);
  }

  /**
   * Looks at everything that has to work: the broker and the stores answer, workers are alive and take
   * tasks from every queue that has some, schedules are carried out. Never rejects; what is wrong stands
   * in the checks.
   */
  health(): Promise<StemHealth> {
    return checkHealth({
      broker: this.#broker,
      resultBackend: this.#resultBackend,
      scheduleStore: this.#scheduleStore,
    });
  }

  async #publishTraced(tracer: TaskTracer, requests: readonly Untyped[]): Promise<TaskHandle[]> {
    const traces = requests.map(({ task, options }) =>
      tracer.enqueueing(
        typeof task === 'string' ? task : String((task as Partial<TaskDefinition> | null)?.name),
        isHeaders(options?.headers) ? options.headers : NO_HEADERS,
      ),
    );
    try {
      const prepared = requests.map(({ task, args, options }, index) => {
        const { headers } = traces[index] as EnqueueTrace;
        // What are no headers is refused as what it is.
        const isRight = options?.headers === undefined || isHeaders(options.headers);
        return this.#preparer.prepare(task, args, isRight ? { ...options, headers } : options);
      });
      const handles = await this.#publish(prepared);
      for (const [index, { id, created }] of handles.entries()) {
        const { queue, priority } = (prepared[index] as PreparedTask).task;
        traces[index]?.accepted({ id, queue, priority, created });
      }
      return handles;
    } catch (error) {
      for (const trace of traces) trace.failed(error);
      throw error;
    }
  }

  async #publish(prepared: readonly PreparedTask[]): Promise<TaskHandle[]> {
    if (prepared.length === 0) return [];
    const signals = this.#signals;
    if (signals.has('beforeTaskPublish')) {
      for (const one of prepared) {
        await signals.emit('beforeTaskPublish', { task: signalledTask(one, one.task.id) });
      }
    }
    const outcomes = await this.#broker.enqueue(prepared.map(({ task }) => task));
    if (this.#observers?.isActive) tellEnqueued(this.#observers, prepared, outcomes);
    if (signals.has('afterTaskPublish')) {
      for (const [index, { id, created }] of outcomes.entries()) {
        const task = signalledTask(prepared[index] as PreparedTask, id);
        await signals.emit('afterTaskPublish', { task, created });
      }
    }
    return outcomes.map(({ id, created }) => new TaskHandle(id, created, this.#inquiries));
  }

  async #awaitResult(id: string, { timeout }: ResultOptions): Promise<unknown> {
    const timeoutMs =
      timeout === undefined || timeout === Infinity ? Infinity : parseDuration(timeout, 'timeout');
    const deadline = performance.now() + timeoutMs;
    for (let leftMs = timeoutMs; ; leftMs = Math.max(0, deadline - performance.now())) {
      const ended = await this.#broker.waitForEnd(id, Math.min(leftMs, WAIT_SLICE_MS));
      if (ended) return outcomeOf(ended, this.#resultBackend);
      if (leftMs <= WAIT_SLICE_MS) break;
    }
    throw new ResultTimeoutError(
      `Task '${id}' had not ended after ${timeoutMs} ms. It goes on; ask again with stem.task(id).`,
      { taskId: id },
    );
  }

  async #statusOf(id: string): Promise<TaskStatus | undefined> {
    const record = await this.#broker.find(id);
    return record && this.#describe(record);
  }

  async #describe(record: TaskRecord): Promise<TaskStatus> {
    if (record.state !== 'succeeded') return statusOf(record, undefined);
    const kept = await readResult(record, this.#resultBackend);
    return statusOf(record, kept.found ? kept.value : undefined);
  }
}

function isHeaders(value: unknown): value is Readonly<Record<string, string>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function tellEnqueued(
  observers: TaskObservers,
  prepared: readonly PreparedTask[],
  outcomes: readonly EnqueueOutcome[],
): void {
  for (let i = 0; i < outcomes.length; i++) {
    const { id, created } = outcomes[i] as EnqueueOutcome;
    const { name, task, headers } = prepared[i] as PreparedTask;
    const observed = { id, name, queue: task.queue, attempt: 0, headers };
    if (created) observers.enqueued(observed);
    else observers.deduplicated(observed);
  }
}

function signalledTask({ name, task, args, headers }: PreparedTask, id: string): SignalledTask {
  return { id, name, queue: task.queue, args, headers, attempt: 0 };
}
