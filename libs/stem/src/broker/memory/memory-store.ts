import type { Clock } from '../../core/clock.js';
import { countField, type CountName } from '../../core/count-fields.js';
import type { TaskFailure } from '../../core/failure.js';
import { isTerminal } from '../../core/task-state.js';
import type { CancelRequest, DeathReason, NewTask } from '../broker.js';
import { DeadLetters } from './dead-letters.js';
import type { Lease } from './lease.js';
import { ControlExchange } from './memory-control-bus.js';
import { MonitorMemory } from './memory-monitor-store.js';
import { MemoryQueue } from './memory-queue.js';
import { MemorySchedules } from './memory-schedule-store.js';
import type { MemoryTask } from './memory-task.js';
import { RateLimits } from './rate-limits.js';
import { TimerHeap } from './timer-heap.js';
import { UniqueClaims } from './unique-claims.js';
import { WorkBell } from './work-bell.js';

/** How a task ends, other than as a dead letter. */
export interface Ending {
  readonly state: 'succeeded' | 'cancelled' | 'expired';
  readonly reason?: string;
  /** How long the record is kept; 0 keeps none. */
  readonly ttlMs: number;
}

/** How long is counted back what nobody else counts, at least. */
const COUNTS_KEPT_MS = 3_600_000;

/** Most records that one call forgets, so that no call takes long after a quiet night. */
const FORGET_AT_ONCE = 1_000;

/**
 * What brokers in one process share: the tasks, and the steps that several transitions have in common.
 * Each step leaves the task in exactly one place: a ready line, a heap, a lease, or the dead letters.
 */
export class MemoryStore {
  readonly deadLetters = new DeadLetters();
  readonly uniqueClaims = new UniqueClaims();
  readonly leases = new Map<string, Lease>();
  readonly rateLimits = new RateLimits();
  readonly schedules = new MemorySchedules();
  readonly controlExchange = new ControlExchange();
  readonly monitor = new MonitorMemory();
  /** The last number accepted of each sequence. */
  readonly #sequences = new Map<string, number>();
  readonly #tasks = new Map<string, MemoryTask>();
  readonly #queues = new Map<string, MemoryQueue>();
  readonly #ended = new TimerHeap<MemoryTask>();

  /** @param waitingTtlMs retention of tasks that were purged or expired. */
  constructor(
    readonly clock: Clock,
    readonly waitingTtlMs: number,
  ) {}

  /** A task that is known and whose retention has not run out. */
  find(id: string): MemoryTask | undefined {
    const task = this.#tasks.get(id);
    if (task?.forgetAt === undefined || task.forgetAt > this.clock.now()) return task;
    this.#tasks.delete(id);
    return undefined;
  }

  /** Every task that is known and whose retention has not run out. */
  *tasks(): Iterable<MemoryTask> {
    const now = this.clock.now();
    for (const task of this.#tasks.values()) {
      if (task.forgetAt === undefined || task.forgetAt > now) yield task;
    }
  }

  add(task: MemoryTask): void {
    this.#tasks.set(task.id, task);
  }

  /** Whether a later task of its sequence was accepted before, or this very one. */
  isOvertaken({ sequence }: NewTask): boolean {
    return sequence !== undefined && sequence.number <= (this.#sequences.get(sequence.key) ?? -1);
  }

  noteSequence({ sequence }: NewTask): void {
    if (sequence) this.#sequences.set(sequence.key, sequence.number);
  }

  /** Deletes a task that is in no place any more. */
  remove(task: MemoryTask): void {
    this.#tasks.delete(task.id);
  }

  /** A queue, made when it is used for the first time. */
  queue(name: string): MemoryQueue {
    const known = this.#queues.get(name);
    if (known) return known;
    const bell = new WorkBell(this.clock, () => {
      this.settleDue(queue);
      // The clock may be late, or moved by hand.
      if (queue.nextDueAt !== undefined) queue.bell.expectAt(queue.nextDueAt);
    });
    const queue = new MemoryQueue(name, bell);
    this.#queues.set(name, queue);
    return queue;
  }

  knownQueue(name: string): MemoryQueue | undefined {
    return this.#queues.get(name);
  }

  queues(): Iterable<MemoryQueue> {
    return this.#queues.values();
  }

  /** `expire` and `promote`, in this order: a task that is both due and expired is not run. */
  settleDue(queue: MemoryQueue): { promoted: number; expired: number } {
    const now = this.clock.now();
    let expired = 0;
    let promoted = 0;
    for (let task; (task = queue.takeExpired(now)); expired++) {
      this.end(task, { state: 'expired', ttlMs: this.waitingTtlMs });
      this.count('expired', task);
    }
    for (let task; (task = queue.takeDue(now)); promoted++)
      this.makeReady(task, queue, 'at the end');
    return { promoted, expired };
  }

  /** Lets a new or replayed task wait until `dueAt`. */
  schedule(task: MemoryTask, queue: MemoryQueue, dueAt: number): void {
    task.state = 'scheduled';
    this.#watchExpiry(task, queue);
    queue.delay(task, dueAt);
  }

  /** Lets a task be claimed: behind all others, or where it stood before it was handed out. */
  makeReady(task: MemoryTask, queue: MemoryQueue, place: 'at the end' | 'where it stood'): void {
    task.state = 'queued';
    this.#watchExpiry(task, queue);
    if (place === 'at the end') {
      task.readyAt = this.clock.now();
      queue.add(task);
    } else {
      queue.putBack(task);
    }
  }

  /** Takes a running task from its holder. The caller puts it somewhere else at once. */
  takeFromHolder(task: MemoryTask, lease: Lease): MemoryQueue {
    lease.held.remove(task);
    const queue = this.queue(task.queue);
    queue.running--;
    task.holder = undefined;
    task.delivery = undefined;
    return queue;
  }

  /** Puts a task that its holder did not finish where it belongs. */
  handBack(task: MemoryTask, queue: MemoryQueue): 'queued' | 'cancelled' {
    if (task.cancelRequest) {
      this.endCancelled(task, task.cancelRequest);
      this.count('cancelled', task);
      return 'cancelled';
    }
    task.startedAt = undefined;
    task.worker = undefined;
    this.makeReady(task, queue, 'where it stood');
    return 'queued';
  }

  endCancelled(task: MemoryTask, { reason, ttlMs }: Pick<CancelRequest, 'reason' | 'ttlMs'>): void {
    this.end(task, { state: 'cancelled', reason, ttlMs });
  }

  /** Ends a task that is in no place any more. */
  end(task: MemoryTask, { state, reason, ttlMs }: Ending): void {
    const now = this.clock.now();
    task.state = state;
    task.reason = reason;
    task.finishedAt = now;
    task.cancelRequest = undefined;
    if (ttlMs > 0) {
      task.forgetAt = now + ttlMs;
      this.#ended.add(task.forgetAt, task);
    } else {
      this.#tasks.delete(task.id);
    }
    this.#tellEnd(task);
  }

  /** Makes a task that is in no place any more a dead letter. */
  bury(task: MemoryTask, failure: TaskFailure, reason: DeathReason): void {
    task.state = 'failed';
    task.failure = failure;
    task.reason = reason;
    task.finishedAt = this.clock.now();
    task.cancelRequest = undefined;
    this.queue(task.queue).failed++;
    this.deadLetters.add(task);
    this.#tellEnd(task);
  }

  /** Counts what becomes of a task without any process that could count it. */
  count(what: CountName, task: MemoryTask): void {
    const envelope = task.readEnvelope();
    if ('corrupt' in envelope) return;
    const field = countField(what, envelope.name, task.queue);
    this.monitor.count([[field, 1]], this.clock.now(), COUNTS_KEPT_MS);
  }

  /** Forgets every task that nobody holds. */
  clear(): void {
    for (const task of this.#tasks.values()) {
      if (task.holder) continue;
      if (task.state === 'failed') this.deadLetters.remove(task);
      else if (!isTerminal(task.state)) {
        this.queue(task.queue).withdraw(task);
        this.endCancelled(task, { reason: 'cleared', ttlMs: 0 });
      }
      this.#tasks.delete(task.id);
    }
    for (const queue of this.#queues.values()) if (queue.paused) queue.resume();
    this.rateLimits.clear();
  }

  /** Forgets records whose retention has run out, some at a time. */
  forgetSome(): void {
    const now = this.clock.now();
    for (let count = 0; count < FORGET_AT_ONCE; count++) {
      const task = this.#ended.takeDue(now);
      if (!task) return;
      // Its id may have been given to another task since.
      if (this.#tasks.get(task.id) === task) this.#tasks.delete(task.id);
    }
  }

  /** An expiry that came while the task ran or waited for its retry has no effect any more. */
  #watchExpiry(task: MemoryTask, queue: MemoryQueue): void {
    if (task.expiresAt !== undefined && task.expiresAt > this.clock.now()) queue.watchExpiry(task);
  }

  #tellEnd(task: MemoryTask): void {
    this.uniqueClaims.release(task);
    if (!task.endListeners) return;
    const listeners = task.endListeners;
    task.endListeners = undefined;
    for (const listener of listeners) listener(task);
  }
}
