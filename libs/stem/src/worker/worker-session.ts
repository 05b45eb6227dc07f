import type { Broker, CancelRequest, Consumer, Delivery, ResultBackend } from '../broker/broker.js';
import type { ResolvedWorkerOptions } from '../config/resolved-config.js';
import type { HeldTask } from '../core/control.js';
import {
  HardTimeLimitError,
  LeaseLostError,
  SoftTimeLimitError,
  TaskCancelledError,
  UnknownTaskError,
} from '../core/errors.js';
import { faultHook } from '../core/fault-points.js';
import { LinkedSet } from '../core/linked-set.js';
import { nearestNames } from '../core/names.js';
import type { SignalBus, SignalledWorker } from '../core/signals.js';
import type { TaskLogger } from '../core/task-context.js';
import type { TaskObservers } from '../core/task-observer.js';
import type { TaskTracer } from '../core/task-tracer.js';
import type { ResolvedTaskOptions } from '../core/task-options.js';
import type { TaskRegistry } from '../core/task-registry.js';
import { Claimer } from './claimer.js';
import type { IsolatedRunner } from './isolation/isolated-runner.js';
import { LeaseKeeper } from './lease-keeper.js';
import { OutcomeSender } from './outcome-sender.js';
import { type MutableCounts, RunReporter } from './run-reporter.js';
import type { Slots } from './slots.js';
import { TaskBuffer } from './task-buffer.js';
import { type EnqueueChild, TaskRun } from './task-run.js';
import { judge, maxRetriesOf, type RunDefaults, type RunEnd, type Verdict } from './verdict.js';

/** How long handlers that do not wait for anything are called one after the other. */
const TURN_MS = 10;
/** How long isolated handlers may take to end by themselves when the lease is lost. */
const LOST_GRACE_MS = 1_000;

/** What a {@link WorkerSession} works with. */
export interface WorkerSessionParts {
  readonly broker: Broker;
  readonly consumer: Consumer;
  readonly resultBackend: ResultBackend | undefined;
  readonly registry: TaskRegistry;
  readonly signals: SignalBus;
  readonly observers?: TaskObservers | undefined;
  /** Absent: nobody traces. */
  readonly tracer?: TaskTracer | undefined;
  readonly log: TaskLogger;
  readonly slots: Slots;
  readonly options: ResolvedWorkerOptions;
  readonly defaults: RunDefaults;
  readonly enqueueChild: EnqueueChild;
  /** Runs the tasks that ask for isolation; without it they run here like all others. */
  readonly isolated?: IsolatedRunner | undefined;
  readonly worker: SignalledWorker;
  /** Goes on over all sessions of a worker. */
  readonly counts: MutableCounts;
  /** Told once when the lease is gone: the session is over, another may begin. */
  readonly onLeaseLost: () => void;
}

/**
 * A worker's work under one lease: claim, run, settle.
 *
 * A slot is free again as soon as the handler has ended; the outcome travels in the background, and is
 * sent again until the broker has answered or the lease is lost.
 */
export class WorkerSession {
  readonly #parts: WorkerSessionParts;
  readonly #claimer: Claimer;
  readonly #leaseKeeper: LeaseKeeper;
  readonly #sender: OutcomeSender;
  readonly #reporter: RunReporter;
  readonly #buffer = new TaskBuffer();
  readonly #runs = new LinkedSet<TaskRun>();
  /** Stops asked for before the task had started. */
  readonly #cancelledEarly = new Map<string, string>();
  /** Outcomes on their way to the broker. */
  #settling = 0;
  #draining = false;
  #leaseLost = false;
  #closed = false;
  #pumping = false;
  /** Queues from which nothing is taken; see {@link leaveOut}. */
  #leftOut: ReadonlySet<string> | undefined;
  /** When handlers that are to be called have to wait for the next turn of the event loop. */
  #turnEndMonotonicMs: number | undefined;
  readonly #onIdle = new Set<() => void>();
  /** Tasks that wait for a turn or a longer lease, by id. */
  readonly #preparing = new Map<string, Delivery>();
  readonly #renewLease = async (atLeastMs?: number): Promise<void> => {
    const outcome = await this.#parts.consumer.renew(atLeastMs);
    if (outcome === 'lease-lost') this.#loseLease();
  };

  constructor(parts: WorkerSessionParts) {
    this.#parts = parts;
    const { broker, consumer, resultBackend, options, log } = parts;
    this.#reporter = new RunReporter(parts);
    this.#sender = new OutcomeSender({
      consumer,
      resultBackend,
      log,
      isLeaseLost: () => this.#leaseLost,
      onSent: () => this.#claimer.refillSoon(),
    });
    this.#claimer = new Claimer({
      consumer,
      prefetch: Math.max(1, Math.floor(options.concurrency * options.prefetchMultiplier)),
      lowWater: Math.max(1, Math.ceil(options.concurrency / 2)),
      pollIntervalMs: options.pollIntervalMs,
      log,
      held: () => this.held,
      waiting: () => this.#buffer.size,
      onClaimed: (deliveries) => this.#take(deliveries),
      onLeaseLost: () => this.#loseLease(),
    });
    this.#leaseKeeper = new LeaseKeeper({
      broker,
      consumer,
      leaseMs: options.visibilityTimeoutMs,
      maxLosses: options.maxDeliveries,
      log,
      onRenewed: () => {
        if (parts.observers?.isActive) parts.observers.leaseRenewed(parts.worker);
      },
      onBlocked: (blockedMs) => this.#reportBlock(blockedMs),
      onLost: () => this.#loseLease(),
    });
  }

  /** Handlers that run now. */
  get running(): number {
    return this.#runs.size;
  }

  /** Tasks in our hands: waiting for a slot, running, or not yet handed to the broker's client. */
  get held(): number {
    return this.#buffer.size + this.#preparing.size + this.#runs.size + this.#sender.waiting;
  }

  /** For a watchdog: what there is to know about the last claims. */
  get claims(): Pick<Claimer, 'isClaiming' | 'lastAnswerMonotonicMs' | 'lastError'> {
    return this.#claimer;
  }

  start(): void {
    this.#leaseKeeper.start();
    this.#claimer.refillSoon();
  }

  /** Stops claiming and gives back what has not started; running handlers go on. */
  drain(): void {
    this.#draining = true;
    this.#claimer.stop();
    for (const delivery of this.#buffer.drain()) this.#giveBack(delivery);
  }

  /** Asks every running handler to end. */
  abortRuns(reason: Error): void {
    for (const run of this.#runs.toArray()) run.abort(reason);
  }

  /** Gives back what still runs; whatever those handlers do from now on is dropped. */
  releaseRuns(): void {
    for (const run of this.#runs.toArray()) this.#settle(run, { verb: 'release' });
  }

  /** Resolves when nothing runs and every outcome has been answered, or after `timeoutMs`. */
  whenIdle(timeoutMs: number): Promise<boolean> {
    if (this.#isIdle) return Promise.resolve(true);
    return new Promise((resolve) => {
      const onIdle = (): void => {
        clearTimeout(timer);
        this.#onIdle.delete(onIdle);
        resolve(this.#isIdle);
      };
      const timer = setTimeout(onIdle, timeoutMs);
      this.#onIdle.add(onIdle);
    });
  }

  /** Gives everything up that is still held, and the lease. */
  async close(): Promise<void> {
    this.drain();
    this.#closed = true;
    this.#leaseKeeper.stop();
    faultHook?.('worker:consumer-closed:before');
    await this.#parts.consumer.close();
    faultHook?.('worker:consumer-closed:after');
  }

  /** The longest running first, then those that wait. */
  tasks(): HeldTask[] {
    const running = this.#runs.toArray().map((run) => ({
      ...described(run.delivery, 'running'),
      runningMs: Math.round(run.durationMs),
    }));
    const waiting = [...this.#buffer.list(), ...this.#preparing.values()];
    return [...running, ...waiting.map((delivery) => described(delivery, 'held'))];
  }

  /** Takes nothing more from these queues, and gives back what has not started. */
  leaveOut(queues: ReadonlySet<string>): void {
    this.#leftOut = queues;
    this.#parts.consumer.leaveOut([...queues]);
    for (const delivery of this.#buffer.drain()) {
      if (queues.has(delivery.queue)) this.#giveBack(delivery);
      else this.#buffer.push(delivery);
    }
    this.#claimer.refillSoon();
  }

  /**
   * Passes a request to stop on to the run it is about; to `terminate` ends one that is isolated. Returns
   * whether the task is here.
   */
  cancel(id: string, { reason, terminate }: Pick<CancelRequest, 'reason' | 'terminate'>): boolean {
    for (const run of this.#runs.toArray()) {
      if (run.id !== id) continue;
      run.cancelReason = reason;
      const error = new TaskCancelledError(`Task '${run.name}' was cancelled: ${reason}`, {
        taskId: id,
        taskName: run.name,
        queue: run.queue,
      });
      run.abort(error);
      if (terminate && run.isolated) this.#end(run, { returned: false, error });
      return true;
    }
    // Of no other task may anything be kept: a later one may have the same id.
    const waits = this.#buffer.has(id) || this.#preparing.has(id);
    if (waits) this.#cancelledEarly.set(id, reason);
    return waits;
  }

  /** Claims under way do not count: what they still bring is given back when the consumer is closed. */
  get #isIdle(): boolean {
    return this.#runs.size === 0 && this.#settling === 0;
  }

  #take(deliveries: readonly Delivery[]): void {
    faultHook?.('worker:claimed:before');
    for (const delivery of deliveries) {
      // A claim that was under way may bring what is not wanted any more.
      if (this.#draining || this.#leftOut?.has(delivery.queue)) {
        this.#giveBack(delivery);
        continue;
      }
      this.#reporter.received(delivery);
      const needs = this.#parts.registry.get(delivery.envelope.name)?.options;
      if (needs && mustPrepare(needs, delivery, this.#parts.options)) {
        void this.#prepare(delivery, needs);
      } else {
        this.#buffer.push(delivery);
      }
    }
    faultHook?.('worker:claimed:after');
    this.#pump();
  }

  /** Waits for a turn under the task's rate limit, and for a lease as long as the task asks for. */
  async #prepare(delivery: Delivery, needs: ResolvedTaskOptions): Promise<void> {
    const { consumer, log } = this.#parts;
    const { rateIntervalMs, visibilityTimeoutMs } = needs;
    this.#preparing.set(delivery.envelope.id, delivery);
    try {
      if (rateIntervalMs !== undefined && !delivery.admitted) {
        const limit = { key: delivery.envelope.name, intervalMs: rateIntervalMs };
        const outcome = await consumer.admit(delivery, limit);
        if (outcome === 'lease-lost') this.#loseLease();
        if (outcome !== 'admitted') return;
      }
      if (visibilityTimeoutMs !== undefined) await this.#renewLease(visibilityTimeoutMs);
      if (this.#draining) this.#giveBack(delivery);
      else this.#buffer.push(delivery);
    } catch (error) {
      log.warn(`Could not prepare task ${delivery.envelope.id}; released. ${String(error)}`);
      this.#giveBack(delivery);
    } finally {
      this.#preparing.delete(delivery.envelope.id);
      this.#pump();
      this.#claimer.refillSoon();
    }
  }

  /** Starts tasks while there are slots. Handlers that end at once end inside this loop. */
  #pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    while (this.#buffer.size > 0 && !this.#mustGiveWay() && this.#parts.slots.tryTake()) {
      this.#startRun(this.#buffer.shift() as Delivery);
    }
    this.#pumping = false;
  }

  /**
   * Handlers that never wait end and are followed by others without the event loop ever getting its turn:
   * no outcome would leave, no claim be made and nobody else served before all that is held has run.
   */
  #mustGiveWay(): boolean {
    const nowMonotonicMs = performance.now();
    if (this.#turnEndMonotonicMs === undefined) {
      this.#turnEndMonotonicMs = nowMonotonicMs + TURN_MS;
      setImmediate(() => {
        this.#turnEndMonotonicMs = undefined;
        this.#pump();
      });
    }
    return nowMonotonicMs > this.#turnEndMonotonicMs;
  }

  #startRun(delivery: Delivery): void {
    const { broker, consumer, registry, enqueueChild, log, defaults } = this.#parts;
    const task = registry.get(delivery.envelope.name);
    const run = new TaskRun(delivery, task, broker.now(), {
      consumer,
      renewLease: this.#renewLease,
      enqueueChild,
      log,
      maxRetries: maxRetriesOf(delivery, task, defaults),
      progressBytes: defaults.resultBytes,
    });
    this.#runs.add(run);
    const cancelReason = this.#cancelledEarly.get(run.id);
    if (cancelReason !== undefined) {
      this.#cancelledEarly.delete(run.id);
      run.cancelReason = cancelReason;
      this.#end(run, { returned: false, error: undefined });
      return;
    }
    if (!this.#runnerOf(run)) this.#armLimits(run);
    const listeners = this.#reporter.prerun(run);
    if (listeners) void listeners.then(() => this.#invoke(run));
    else this.#invoke(run);
  }

  #invoke(run: TaskRun): void {
    if (run.isOver) return;
    const invoke = run.task?.invoke;
    if (!invoke) {
      this.#end(run, { returned: false, error: this.#unknownTask(run.name) });
      return;
    }
    const runner = this.#runnerOf(run);
    if (runner) {
      this.#invokeIsolated(run, runner);
      return;
    }
    let value: unknown;
    faultHook?.('worker:started:before');
    try {
      const { tracer, worker } = this.#parts;
      const { args } = run.delivery.envelope;
      value = tracer ? tracer.running(run, worker, () => invoke(args, run)) : invoke(args, run);
    } catch (error) {
      this.#end(run, { returned: false, error });
      return;
    }
    faultHook?.('worker:started:after');
    if (isThenable(value)) {
      value.then(
        (resolved) => this.#end(run, { returned: true, value: resolved }),
        (error: unknown) => this.#end(run, { returned: false, error }),
      );
    } else {
      this.#end(run, { returned: true, value });
    }
  }

  #unknownTask(name: string): UnknownTaskError {
    const handled = this.#parts.registry.list().filter(({ invoke }) => invoke !== undefined);
    const names = handled.map((task) => task.name);
    return new UnknownTaskError(name, nearestNames(name, names));
  }

  #runnerOf({ task }: TaskRun): IsolatedRunner | undefined {
    return task?.options.isolate ? this.#parts.isolated : undefined;
  }

  /** Limits count from the call of the handler: a thread may have to be waited for. */
  #invokeIsolated(run: TaskRun, runner: IsolatedRunner): void {
    const isolated = runner.run(run, run.delivery.envelope.args, () => {
      if (!run.isOver) this.#armLimits(run);
    });
    run.isolated = isolated;
    if (run.abortReason) isolated.abort(run.abortReason);
    const { tracer, worker } = this.#parts;
    // Its spans begin with the wait for a thread, and end when the outcome is known.
    void tracer?.running(run, worker, () => isolated.ended);
    void isolated.ended.then((end) => this.#end(run, end));
  }

  #armLimits(run: TaskRun): void {
    const { softTimeLimitMs, hardTimeLimitMs } = run.task?.options ?? {};
    const where = { taskId: run.id, taskName: run.name, queue: run.queue };
    if (softTimeLimitMs !== undefined) {
      run.softTimer = setTimeout(() => {
        const message = `Task '${run.name}' passed its soft time limit of ${softTimeLimitMs} ms.`;
        run.abort(new SoftTimeLimitError(message, where));
      }, softTimeLimitMs);
    }
    if (hardTimeLimitMs !== undefined) {
      run.hardTimer = setTimeout(() => {
        const message = `Task '${run.name}' passed its hard time limit of ${hardTimeLimitMs} ms.`;
        const error = new HardTimeLimitError(message, where);
        run.abort(error);
        this.#end(run, { returned: false, error });
      }, hardTimeLimitMs);
    }
  }

  /** The code of a run has ended, or its time is up. Only the first end counts. */
  #end(run: TaskRun, end: RunEnd): void {
    if (run.isOver) return;
    faultHook?.('worker:ended:before');
    const verdict = judge(end, {
      delivery: run.delivery,
      task: run.task,
      cancelReason: run.cancelReason,
      abortReason: run.abortReason,
      defaults: this.#parts.defaults,
    });
    this.#settle(run, verdict);
    faultHook?.('worker:ended:after');
    if (!this.#pumping) this.#pump();
    this.#claimer.refillSoon();
  }

  #settle(run: TaskRun, verdict: Verdict): void {
    run.isOver = true;
    this.#reporter.ended(run);
    clearTimeout(run.softTimer);
    clearTimeout(run.hardTimer);
    run.isolated?.terminate();
    this.#runs.delete(run);
    this.#parts.slots.free();
    if (this.#leaseLost) {
      this.#reporter.over(run, verdict, 'lease-lost');
      return;
    }
    this.#settling++;
    this.#sender
      .send(run, verdict)
      .then((outcome) => {
        this.#settling--;
        faultHook?.('worker:settled:before');
        if (outcome === 'lease-lost') this.#loseLease();
        this.#tellIdle();
        this.#reporter.over(run, verdict, outcome);
        faultHook?.('worker:settled:after');
      })
      // What throws here is the application's own logger; the outcome is safe.
      .catch(() => undefined);
  }

  #giveBack(delivery: Delivery): void {
    this.#settling++;
    this.#cancelledEarly.delete(delivery.envelope.id);
    faultHook?.('worker:released:before');
    this.#parts.consumer
      .release(delivery)
      .then(() => faultHook?.('worker:released:after'))
      .catch((error: unknown) => {
        // Closing the consumer gives it back as well, and the lease's end does in any case.
        this.#parts.log.warn(`Could not release task ${delivery.envelope.id}: ${String(error)}`);
      })
      .finally(() => {
        this.#settling--;
        this.#tellIdle();
      });
  }

  #reportBlock(blockedMs: number): void {
    const { counts, log, options } = this.#parts;
    counts.blocks++;
    log.error(
      `This process did nothing for ${Math.round(blockedMs)} ms, longer than its lease of ` +
        `${options.visibilityTimeoutMs} ms (visibilityTimeout): a handler blocked the event loop, or the ` +
        `process was stopped. Its tasks may have gone to other workers; outcomes that come too late are ` +
        `dropped. Let handlers give way, or raise visibilityTimeout.`,
    );
  }

  #loseLease(): void {
    // After the end of a closed session the broker knows it no more.
    if (this.#leaseLost || this.#closed) return;
    faultHook?.('worker:lease-lost:before');
    this.#leaseKeeper.reportBlock();
    this.#leaseLost = true;
    this.#parts.counts.leasesLost++;
    this.#draining = true;
    this.#claimer.stop();
    this.#leaseKeeper.stop();
    this.#buffer.drain();
    this.abortRuns(
      new LeaseLostError('The worker lost its lease; another worker may run the task now.'),
    );
    setTimeout(() => this.#endIsolatedRuns(), LOST_GRACE_MS).unref();
    this.#parts.onLeaseLost();
    faultHook?.('worker:lease-lost:after');
  }

  /** What can be ended need not go on beside the run that another worker has begun. */
  #endIsolatedRuns(): void {
    for (const run of this.#runs.toArray()) {
      if (run.isolated) this.#end(run, { returned: false, error: run.abortReason });
    }
  }

  #tellIdle(): void {
    if (this.#onIdle.size === 0 || !this.#isIdle) return;
    for (const listener of this.#onIdle) listener();
  }
}

function described(delivery: Delivery, state: HeldTask['state']): HeldTask {
  const { envelope, queue, attempt, deliveries } = delivery;
  return { id: envelope.id, name: envelope.name, queue, state, attempt, deliveries };
}

/** Whether a task needs a call to the broker before it may start. Most need none. */
function mustPrepare(
  needs: ResolvedTaskOptions,
  delivery: Delivery,
  { visibilityTimeoutMs }: ResolvedWorkerOptions,
): boolean {
  return (
    (needs.rateIntervalMs !== undefined && !delivery.admitted) ||
    (needs.visibilityTimeoutMs ?? 0) > visibilityTimeoutMs
  );
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as { then?: unknown }).then === 'function'
  );
}
