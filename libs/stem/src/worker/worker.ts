import type { Broker, Rejection, ResultBackend } from '../broker/broker.js';
import type { ResolvedWorkerOptions } from '../config/resolved-config.js';
import type { HeldTask, StopMode } from '../core/control.js';
import { formatDuration } from '../core/duration.js';
import { StemClosedError, WorkerStoppingError } from '../core/errors.js';
import { faultHook } from '../core/fault-points.js';
import type { SignalBus, SignalledWorker } from '../core/signals.js';
import type { TaskLogger } from '../core/task-context.js';
import type { TaskObservers } from '../core/task-observer.js';
import type { TaskTracer } from '../core/task-tracer.js';
import type { TaskRegistry } from '../core/task-registry.js';
import type { WorkerCounts, WorkerHealth, WorkerState } from '../core/worker-status.js';
import { ControlListener } from './control/control-listener.js';
import { workerCommands } from './control/worker-commands.js';
import type { IsolatedRunner } from './isolation/isolated-runner.js';
import { Slots } from './slots.js';
import type { EnqueueChild } from './task-run.js';
import type { RunDefaults } from './verdict.js';
import { Watchdog, type Watched } from './watchdog.js';
import type { MutableCounts } from './run-reporter.js';
import { WorkerSession } from './worker-session.js';

/** Pause before a lost lease, or a failed try to get one, is followed by another try. */
const REOPEN_PAUSE_MS = 500;
/** How long handlers that were told to stop are given to do so. */
const ABORT_GRACE_MS = 1_000;

/** What a {@link Worker} works with. */
export interface WorkerParts {
  readonly broker: Broker;
  /** Where results are kept apart from the broker's records, if anywhere. */
  readonly resultBackend: ResultBackend | undefined;
  readonly registry: TaskRegistry;
  readonly signals: SignalBus;
  readonly observers?: TaskObservers | undefined;
  readonly tracer?: TaskTracer | undefined;
  readonly log: TaskLogger;
  readonly enqueueChild: EnqueueChild;
  /** Runs the tasks that ask for isolation. The worker closes it when it stops. */
  readonly isolated?: IsolatedRunner | undefined;
  readonly options: ResolvedWorkerOptions;
  readonly defaults: RunDefaults;
  /** Told when it is ready, stopping, and stopped. */
  readonly onState?: ((state: 'ready' | 'stopping' | 'stopped') => void) | undefined;
}

export type { WorkerState } from '../core/worker-status.js';

export type { StopMode } from '../core/control.js';

/** Runs tasks of some queues in this process. */
export class Worker {
  readonly #parts: WorkerParts;
  readonly #slots: Slots;
  #state: WorkerState = 'idle';
  #session: WorkerSession | undefined;
  #worker: SignalledWorker;
  #heartbeat: NodeJS.Timeout | undefined;
  #reopen: NodeJS.Timeout | undefined;
  #stopping: Promise<void> | undefined;
  #hurry: ((mode: StopMode) => void) | undefined;
  #opening: Promise<void> | undefined;
  /** There is no lease just now, and there should be. */
  #isWithoutLease = false;
  #openError: unknown;
  readonly #paused = new Set<string>();
  readonly #control: ControlListener | undefined;
  #startedMonotonicMs = performance.now();
  #tellStopped: () => void = () => undefined;
  /** Resolves when it has stopped, for whatever reason. */
  readonly whenStopped = new Promise<void>((resolve) => (this.#tellStopped = resolve));
  readonly #watchdog: Watchdog;
  readonly #counts: MutableCounts = {
    runs: { succeeded: 0, failed: 0, retrying: 0, cancelled: 0, released: 0, 'lease-lost': 0 },
    leasesLost: 0,
    blocks: 0,
  };

  constructor(parts: WorkerParts) {
    this.#parts = parts;
    const { name, queues, concurrency } = parts.options;
    this.#slots = new Slots(concurrency);
    this.#worker = { id: name, name, queues };
    this.#watchdog = new Watchdog(parts.options.unhealthyAfterMs, parts.log, () => this.#watched);
    const { broker, signals, log } = parts;
    this.#control =
      broker.control &&
      new ControlListener({
        bus: broker.control,
        signals,
        log,
        worker: () => this.#worker,
        handlers: workerCommands(this),
        afterwards: {
          shutdown: ({ mode }) => {
            this.stop({ mode }).catch((error: unknown) => {
              log.error(`Stopping, as told, failed: ${String(error)}`);
            });
          },
        },
      });
  }

  /** Its consumer id; another one with each lease, and its bare name before the first. */
  get id(): string {
    return this.#worker.id;
  }

  /** For people; several workers may share it. */
  get name(): string {
    return this.#worker.name;
  }

  get state(): WorkerState {
    return this.#state;
  }

  /** Whether it takes tasks; unhealthy when it should, and cannot. */
  get health(): WorkerHealth {
    return this.#watchdog.health;
  }

  /** What it has done so far. */
  get counts(): WorkerCounts {
    return this.#counts;
  }

  /** Handlers that run now. */
  get running(): number {
    return this.#slots.taken;
  }

  /** Threads that it keeps for isolated tasks. */
  get threads(): number {
    return this.#parts.isolated?.threads ?? 0;
  }

  /** Tasks in this worker's hands, running or waiting for a slot. */
  get held(): number {
    return this.#session?.held ?? 0;
  }

  /** Queues that it serves, also those that are paused. */
  get queues(): readonly string[] {
    return this.#parts.options.queues;
  }

  /** Those of its queues from which it takes nothing, because it was told so. */
  get paused(): readonly string[] {
    return [...this.#paused];
  }

  /** Handlers that may run at the same time. */
  get concurrency(): number {
    return this.#parts.options.concurrency;
  }

  /** Most tasks that it holds, those that run included. */
  get prefetch(): number {
    const { concurrency, prefetchMultiplier } = this.#parts.options;
    return Math.max(1, Math.floor(concurrency * prefetchMultiplier));
  }

  /** When it was started, by the process's monotonic clock. */
  get startedMonotonicMs(): number {
    return this.#startedMonotonicMs;
  }

  /** The tasks in its hands, the longest running first. */
  tasks(): HeldTask[] {
    return this.#session?.tasks() ?? [];
  }

  /**
   * Takes nothing more from some of its queues, until they are resumed; what has not started goes back.
   * Other workers go on.
   */
  pauseQueues(queues: readonly string[]): void {
    for (const queue of queues) if (this.queues.includes(queue)) this.#paused.add(queue);
    this.#session?.leaveOut(this.#paused);
  }

  /** Takes tasks from queues again. */
  resumeQueues(queues: readonly string[]): void {
    for (const queue of queues) this.#paused.delete(queue);
    this.#session?.leaveOut(this.#paused);
  }

  /** Tells those of these tasks that it holds to stop, and returns their ids. */
  revoke(ids: readonly string[], request: { reason: string; terminate: boolean }): string[] {
    return ids.filter((id) => this.#session?.cancel(id, request));
  }

  /**
   * Takes a lease and begins to claim.
   *
   * @throws {BrokerUnavailableError} when the broker cannot be reached.
   * @throws {StemClosedError} when the worker was stopped before.
   */
  async start(): Promise<void> {
    if (this.#state !== 'idle') {
      if (this.#state === 'starting' || this.#state === 'ready') return;
      throw new StemClosedError(`Worker '${this.#worker.name}' was stopped; make a new one.`);
    }
    this.#state = 'starting';
    this.#startedMonotonicMs = performance.now();
    const { signals, options } = this.#parts;
    if (signals.has('workerInit')) await signals.emit('workerInit', { worker: this.#worker });
    try {
      await this.#open();
      await this.#control?.start();
    } catch (error) {
      this.#state = 'idle';
      throw error;
    }
    if ((this.#state as WorkerState) !== 'starting') return;
    this.#state = 'ready';
    this.#parts.onState?.('ready');
    this.#heartbeat = setInterval(() => this.#beat(), options.heartbeatIntervalMs);
    this.#watchdog.start();
    if (signals.has('workerReady')) await signals.emit('workerReady', { worker: this.#worker });
  }

  /**
   * Stops; a second call with a harsher mode hastens the first.
   *
   * @param options `mode`, `warm` by default; `graceMs`, how long to wait for running handlers, the
   *   worker's `drainTimeout` by default.
   */
  stop(options: { mode?: StopMode; graceMs?: number } = {}): Promise<void> {
    const { mode = 'warm', graceMs = this.#parts.options.drainTimeoutMs } = options;
    if (this.#stopping) this.#hurry?.(mode);
    return (this.#stopping ??= this.#stop(mode, graceMs));
  }

  #open(): Promise<void> {
    return (this.#opening = this.#openSession());
  }

  async #openSession(): Promise<void> {
    const { broker, options, log } = this.#parts;
    faultHook?.('worker:consumer-opened:before');
    const consumer = await broker.openConsumer({
      worker: options.name,
      queues: options.queues,
      leaseMs: options.visibilityTimeoutMs,
      onCancelRequested: (id, request) => this.#session?.cancel(id, request),
      onRejected: (rejection) => log.error(describeRejection(rejection)),
    });
    faultHook?.('worker:consumer-opened:after');
    this.#worker = { ...this.#worker, id: consumer.id };
    if (this.#stopping) {
      await consumer.close();
      return;
    }
    this.#isWithoutLease = false;
    const session = new WorkerSession({
      ...this.#parts,
      consumer,
      slots: this.#slots,
      worker: this.#worker,
      counts: this.#counts,
      onLeaseLost: () => this.#onLeaseLost(session),
    });
    this.#session = session;
    if (this.#paused.size > 0) session.leaveOut(this.#paused);
    session.start();
  }

  /** The old session ends, whatever its handlers do; a new lease is taken under a new name. */
  #onLeaseLost(session: WorkerSession): void {
    const { log, options } = this.#parts;
    log.error(
      `Worker ${this.#worker.id} lost its lease: it was not renewed for ` +
        `${formatDuration(options.visibilityTimeoutMs)}, because the process was stopped or blocked, or ` +
        `the broker could not be reached or lost it. Its running tasks are told to stop; their outcomes ` +
        `are dropped. A new lease is taken.`,
    );
    this.#isWithoutLease = true;
    session.close().catch((error: unknown) => log.warn(`Closing a lost session: ${String(error)}`));
    this.#reopenSoon();
  }

  #reopenSoon(): void {
    if (this.#stopping) return;
    clearTimeout(this.#reopen);
    this.#reopen = setTimeout(() => {
      if (this.#stopping) return;
      this.#open().catch((error: unknown) => {
        this.#openError = error;
        this.#parts.log.warn(`Could not take a new lease; trying again. ${String(error)}`);
        this.#reopenSoon();
      });
    }, REOPEN_PAUSE_MS);
  }

  async #stop(mode: StopMode, graceMs: number): Promise<void> {
    const { signals } = this.#parts;
    this.#state = 'stopping';
    this.#parts.onState?.('stopping');
    clearTimeout(this.#reopen);
    clearInterval(this.#heartbeat);
    this.#watchdog.stop();
    this.#session?.drain();
    // A lease that is being taken just now is to be given back, too; one that comes later gives itself back.
    await Promise.race([this.#opening?.catch(() => undefined), pause(ABORT_GRACE_MS)]);
    const session = this.#session;
    session?.drain();
    if (signals.has('workerStopping')) {
      await signals.emit('workerStopping', { worker: this.#worker, mode });
    }
    const ended = session ? await this.#drain(session, mode, graceMs) : mode;
    await this.#parts.isolated?.close({ graceful: ended !== 'hard' });
    this.#control?.stop();
    this.#state = 'stopped';
    this.#parts.onState?.('stopped');
    this.#tellStopped();
    if (signals.has('workerShutdown'))
      await signals.emit('workerShutdown', { worker: this.#worker });
  }

  /** @returns the mode in which it ended, which may be harsher than the one it began with. */
  async #drain(session: WorkerSession, mode: StopMode, graceMs: number): Promise<StopMode> {
    const deadline = performance.now() + graceMs;
    const left = (): number => Math.max(deadline - performance.now(), 0);
    const reason = new WorkerStoppingError('The worker stops; the task goes back to its queue.');

    let present = mode;
    const hurried = new Promise<void>((resolve) => {
      this.#hurry = (harsher) => {
        if (harsher === 'hard' || present === 'warm') present = harsher;
        if (present !== 'warm') session.abortRuns(reason);
        if (present === 'hard') resolve();
      };
    });
    if (present !== 'warm') session.abortRuns(reason);
    if (present !== 'hard') await Promise.race([session.whenIdle(left()), hurried]);
    if (session.running > 0) {
      session.abortRuns(reason);
      if (present === 'warm') await Promise.race([session.whenIdle(ABORT_GRACE_MS), hurried]);
    }
    this.#parts.isolated?.drain();
    session.releaseRuns();
    await session.whenIdle(ABORT_GRACE_MS);
    try {
      await session.close();
    } catch (error) {
      this.#parts.log.warn(
        `Could not give the lease back; its tasks go to others when it runs out. ${String(error)}`,
      );
    }
    return present;
  }

  get #watched(): Watched {
    const claims = this.#session?.claims;
    return {
      isClaiming: this.#isWithoutLease || (claims?.isClaiming ?? false),
      lastAnswerMonotonicMs: claims?.lastAnswerMonotonicMs ?? 0,
      lastError: this.#isWithoutLease ? this.#openError : claims?.lastError,
    };
  }

  #beat(): void {
    const { signals } = this.#parts;
    if (!signals.has('workerHeartbeat')) return;
    void signals.emit('workerHeartbeat', {
      worker: this.#worker,
      running: this.running,
      held: this.held,
    });
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}

function describeRejection({ id, queue, reason, detail }: Rejection): string {
  return `A record in queue '${queue}' cannot be run (${reason}: ${detail}); kept as dead letter ${id}.`;
}
