import { nanoid } from 'nanoid';
import { type Clock, systemClock } from '../../core/clock.js';
import { StemClosedError, TaskNotFoundError } from '../../core/errors.js';
import { newTaskId } from '../../core/task-id.js';
import { isTerminal } from '../../core/task-state.js';
import type {
  Broker,
  CancelOutcome,
  CancelRequest,
  Consumer,
  ConsumerOptions,
  DeadLetterQuery,
  EnqueueOutcome,
  NewTask,
  QueueStats,
  ReclaimOutcome,
  ReplayOutcome,
  TaskQuery,
  TaskRecord,
} from '../broker.js';
import type { Lease } from './lease.js';
import { listTasks } from './list-tasks.js';
import { MemoryConsumer } from './memory-consumer.js';
import { MemoryControlBus } from './memory-control-bus.js';
import { MemoryMonitorStore } from './memory-monitor-store.js';
import { MemoryScheduleStore } from './memory-schedule-store.js';
import { MemoryStore } from './memory-store.js';
import { MemoryTask } from './memory-task.js';
import { MAX_TIMEOUT_MS } from './work-bell.js';

/** How a {@link MemoryBroker} is made. */
export interface MemoryBrokerOptions {
  /** Default: the machine's own clock. */
  readonly clock?: Clock;
  /** Shown in {@link MemoryBroker.description}; brokers share tasks by `sharedWith`, not by name. */
  readonly namespace?: string;
  /** How long records of purged and of expired tasks are kept. Default one day. */
  readonly purgedTtlMs?: number;
  /**
   * Works on the tasks of this broker, as two processes work on those of one Redis. Its clock and
   * retention hold then.
   */
  readonly sharedWith?: MemoryBroker;
}

const DAY_MS = 86_400_000;
const BOOT_ID_LENGTH = 8;

/**
 * Tasks in the memory of this process: no set-up, and gone when the process ends. It behaves like every
 * other broker, so what passes tests on it is not surprised elsewhere.
 *
 * Every call is carried out before it returns its promise. What time brings about is settled when
 * somebody claims or calls {@link settleDue}; there is no timer per task.
 */
export class MemoryBroker implements Broker {
  readonly description: string;
  readonly schedules: MemoryScheduleStore;
  readonly control: MemoryControlBus;
  readonly monitor: MemoryMonitorStore;
  readonly #store: MemoryStore;
  /** Ends the waits that are under way. */
  readonly #waits = new Set<() => void>();
  #closed = false;

  constructor(options: MemoryBrokerOptions = {}) {
    const { clock = systemClock, namespace = 'stem', purgedTtlMs = DAY_MS, sharedWith } = options;
    this.description = `memory://${namespace}`;
    const store = sharedWith ? sharedWith.#store : new MemoryStore(clock, purgedTtlMs);
    this.#store = store;
    this.control = new MemoryControlBus(store.controlExchange);
    this.monitor = new MemoryMonitorStore(store.clock, store.monitor);
    this.schedules = new MemoryScheduleStore({
      clock: store.clock,
      content: store.schedules,
      description: this.description,
      queues: {
        enqueue: (task) => this.accept(task, store.clock.now()),
        stateOf: (id) => store.find(id)?.state,
      },
    });
  }

  async connect(): Promise<void> {
    this.#open();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.control.close();
    for (const endWait of this.#waits) endWait();
  }

  now(): number {
    return this.#store.clock.now();
  }

  /** There is one partition, so `key` has no say in it. */
  newTaskId(_key?: string): string {
    return newTaskId(0);
  }

  async enqueue(tasks: readonly NewTask[]): Promise<EnqueueOutcome[]> {
    const store = this.#open();
    store.forgetSome();
    const now = store.clock.now();
    return tasks.map((task) => this.accept(task, now));
  }

  async openConsumer(options: ConsumerOptions): Promise<Consumer> {
    return new MemoryConsumer(`${options.worker}-${nanoid(BOOT_ID_LENGTH)}`, this.#open(), options);
  }

  async reclaim({ maxLosses }: { maxLosses: number }): Promise<ReclaimOutcome> {
    const store = this.#open();
    const now = store.clock.now();
    const consumers: string[] = [];
    const deadLettered: string[] = [];
    let requeued = 0;
    for (const lease of store.leases.values()) {
      if (lease.expiresAt > now) continue;
      lease.lost = true;
      store.leases.delete(lease.id);
      consumers.push(lease.id);
      // The last first, so that each one finds its place at the very front.
      for (let task; (task = lease.held.last);) {
        const outcome = this.#reclaimOne(task, lease, maxLosses);
        if (outcome === 'failed') deadLettered.push(task.id);
        if (outcome === 'queued') requeued++;
      }
      lease.onLost();
    }
    return { consumers, requeued, deadLettered };
  }

  async settleDue(queue: string): Promise<{ promoted: number; expired: number }> {
    const store = this.#open();
    store.forgetSome();
    const known = store.knownQueue(queue);
    return known ? store.settleDue(known) : { promoted: 0, expired: 0 };
  }

  async cancel(id: string, request: CancelRequest): Promise<CancelOutcome> {
    const store = this.#open();
    const task = store.find(id);
    if (!task) return 'not-found';
    if (isTerminal(task.state)) return 'ended';
    const { holder } = task;
    if (holder) {
      task.cancelRequest = request;
      // Not from inside the call, as a message from another process would not be either.
      queueMicrotask(() => holder.onCancelRequested?.(id, request));
      return 'requested';
    }
    store.queue(task.queue).withdraw(task);
    store.endCancelled(task, request);
    store.count('cancelled', task);
    return 'cancelled';
  }

  async find(id: string): Promise<TaskRecord | undefined> {
    return this.#open().find(id)?.toRecord();
  }

  async listTasks(query: TaskQuery): Promise<TaskRecord[]> {
    const store = this.#open();
    store.forgetSome();
    return listTasks(store.tasks(), query).map((task) => task.toRecord());
  }

  async waitForEnd(id: string, timeoutMs: number): Promise<TaskRecord | undefined> {
    const task = this.#open().find(id);
    if (!task) throw new TaskNotFoundError(id);
    if (isTerminal(task.state)) return task.toRecord();
    const listeners = (task.endListeners ??= new Set());
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        clearTimeout(timer);
        listeners.delete(listener);
        this.#waits.delete(endWait);
      };
      const listener = (): void => {
        leave();
        resolve(task.toRecord());
      };
      const endWait = (): void => {
        leave();
        reject(
          new StemClosedError(`The broker was closed before task '${id}' ended.`, { taskId: id }),
        );
      };
      // Unlike other timers here it keeps the process alive: somebody waits for the answer.
      const timer = setTimeout(
        () => {
          leave();
          resolve(undefined);
        },
        Math.min(timeoutMs, MAX_TIMEOUT_MS),
      );
      listeners.add(listener);
      this.#waits.add(endWait);
    });
  }

  async listQueues(): Promise<QueueStats[]> {
    const store = this.#open();
    return Array.from(store.queues(), ({ name }) => this.#statsOf(name));
  }

  async queueStats(queue: string): Promise<QueueStats> {
    this.#open();
    return this.#statsOf(queue);
  }

  async pauseQueue(queue: string): Promise<void> {
    this.#open().queue(queue).paused = true;
  }

  async resumeQueue(queue: string): Promise<void> {
    this.#open().queue(queue).resume();
  }

  async purgeQueue(queue: string): Promise<number> {
    const store = this.#open();
    const known = store.knownQueue(queue);
    const tasks = known?.waiting() ?? [];
    for (const task of tasks) {
      known?.withdraw(task);
      store.endCancelled(task, { reason: 'purged', ttlMs: store.waitingTtlMs });
      store.count('cancelled', task);
    }
    return tasks.length;
  }

  async listDeadLetters(query: DeadLetterQuery): Promise<TaskRecord[]> {
    const store = this.#open();
    return store.deadLetters.list(query).map((task) => task.toRecord());
  }

  async replay(ids: readonly string[], { delayMs }: { delayMs: number }): Promise<ReplayOutcome[]> {
    const store = this.#open();
    const now = store.clock.now();
    return ids.map((id) => {
      const task = store.find(id);
      if (task?.state !== 'failed') return 'not-dead';
      store.deadLetters.remove(task);
      task.startOver();
      if (task.unique && !store.uniqueClaims.holderOf(task.unique.key, now)) {
        store.uniqueClaims.take(task, now);
      }
      const queue = store.queue(task.queue);
      if (delayMs > 0) store.schedule(task, queue, now + delayMs);
      else store.makeReady(task, queue, 'at the end');
      return 'replayed';
    });
  }

  async discardDeadLetters(ids: readonly string[]): Promise<number> {
    const store = this.#open();
    let discarded = 0;
    for (const id of ids) {
      const task = store.find(id);
      if (task?.state !== 'failed') continue;
      store.deadLetters.remove(task);
      store.remove(task);
      discarded++;
    }
    return discarded;
  }

  /**
   * Forgets every task that does not run, its claims, dead letters and turns under rate limits, and ends
   * the pauses of queues. Schedules stay. For tests that share an application.
   */
  async clear(): Promise<void> {
    this.#open().clear();
  }

  /** When time brings something about next: a task comes due, or expires. */
  nextDueAt(): number | undefined {
    let earliest = Infinity;
    for (const { nextDueAt = Infinity, nextExpiryAt = Infinity } of this.#store.queues()) {
      earliest = Math.min(earliest, nextDueAt, nextExpiryAt);
    }
    return earliest === Infinity ? undefined : earliest;
  }

  /** Every task comes in through here, enqueued or by the tick of a schedule. */
  protected accept(newTask: NewTask, now: number): EnqueueOutcome {
    const store = this.#store;
    const known = newTask.idIsNew ? undefined : store.find(newTask.id);
    if (known) return { id: known.id, created: false };
    if (store.isOvertaken(newTask)) return { id: newTask.id, created: false };
    const rival = newTask.unique && store.uniqueClaims.holderOf(newTask.unique.key, now);
    if (rival) return { id: rival.id, created: false };

    const task = new MemoryTask(newTask, now);
    store.add(task);
    store.noteSequence(newTask);
    store.uniqueClaims.take(task, now);
    const queue = store.queue(task.queue);
    // Even one that has passed: such a task must end as expired, not run.
    queue.watchExpiry(task);
    const dueAt = newTask.dueAt ?? now + (newTask.delayMs ?? 0);
    if (dueAt > now) store.schedule(task, queue, dueAt);
    else store.makeReady(task, queue, 'at the end');
    return { id: task.id, created: true };
  }

  #reclaimOne(
    task: MemoryTask,
    lease: Lease,
    maxLosses: number,
  ): 'queued' | 'failed' | 'cancelled' {
    const store = this.#store;
    const queue = store.takeFromHolder(task, lease);
    store.count('leaseLost', task);
    // Each hand-out ended in an error, which counts as an attempt, or in the loss of its holder.
    const losses = task.deliveries - task.attempt;
    if (losses < maxLosses || task.cancelRequest) return store.handBack(task, queue);
    const message = `It lost its worker ${losses} times, last '${lease.id}'; each time it was given up on.`;
    store.bury(task, { name: 'DeliveryLimitError', message }, 'delivery-limit');
    store.count('failed', task);
    return 'failed';
  }

  #statsOf(name: string): QueueStats {
    const known = this.#store.knownQueue(name);
    return {
      ...(known?.stats() ?? NEVER_USED),
      name,
      deadLetters: this.#store.deadLetters.countOf(name),
    };
  }

  /** The store, as long as this broker may use it. */
  #open(): MemoryStore {
    if (this.#closed) throw new StemClosedError(`The broker ${this.description} was closed.`);
    return this.#store;
  }
}

const NEVER_USED = {
  paused: false,
  queued: 0,
  scheduled: 0,
  running: 0,
  succeeded: 0,
  failed: 0,
  retried: 0,
};
