import { PRIORITY_RANGE } from '../../core/task-options.js';
import type { QueueStats } from '../broker.js';
import type { MemoryTask } from './memory-task.js';
import { TaskList } from './task-list.js';
import { TimerHeap } from './timer-heap.js';
import type { WorkBell } from './work-bell.js';

const HIGHEST_PRIORITY = PRIORITY_RANGE[1];

/**
 * The tasks of one queue by what they wait for, and its numbers. It keeps order and nothing else:
 * which moves are legal, and what else belongs to them, is the transitions' business.
 */
export class MemoryQueue {
  paused = false;
  running = 0;
  succeeded = 0;
  failed = 0;
  retried = 0;
  /** Ready tasks by priority. */
  readonly #ready = Array.from({ length: HIGHEST_PRIORITY + 1 }, () => new TaskList<MemoryTask>());
  /** `scheduled` and `retrying` tasks. */
  readonly #delayed = new TimerHeap<MemoryTask>();
  /** `scheduled` and `queued` tasks whose expiry is still to be settled. */
  readonly #expiring = new TimerHeap<MemoryTask>();
  #nextPlace = 0;

  constructor(
    readonly name: string,
    readonly bell: WorkBell,
  ) {}

  /** Ready tasks, whether the queue is paused or not. */
  get queued(): number {
    let count = 0;
    for (const { size } of this.#ready) count += size;
    return count;
  }

  /** When the next delayed task comes due. */
  get nextDueAt(): number | undefined {
    return this.#delayed.nextAt;
  }

  /** When the next waiting task expires. */
  get nextExpiryAt(): number | undefined {
    return this.#expiring.nextAt;
  }

  /** Whether a claim would find something to look at. */
  hasWork(now: number): boolean {
    if (this.paused) return false;
    const { nextDueAt } = this;
    return (nextDueAt !== undefined && nextDueAt <= now) || this.queued > 0;
  }

  /** Puts a task behind all others of its priority, and wakes one who waits for it. */
  add(task: MemoryTask): void {
    task.place = this.#nextPlace++;
    this.#line(task).push(task);
    this.#announce();
  }

  /** Puts a task that {@link take} returned back to where it stood. */
  putBack(task: MemoryTask): void {
    this.#line(task).putBack(task);
    this.#announce();
  }

  /** Takes the task whose turn it is. */
  take(): MemoryTask | undefined {
    for (let priority = HIGHEST_PRIORITY; priority >= 0; priority--) {
      const task = (this.#ready[priority] as TaskList<MemoryTask>).shift();
      if (!task) continue;
      this.unwatchExpiry(task);
      return task;
    }
    return undefined;
  }

  /** Lets a task wait until `dueAt`. */
  delay(task: MemoryTask, dueAt: number): void {
    task.dueTimer = this.#delayed.add(dueAt, task);
    if (!this.paused) this.bell.expectAt(dueAt);
  }

  /** Hands tasks out again, and wakes those who wait for them. */
  resume(): void {
    this.paused = false;
    this.bell.ring(this.queued);
    if (this.nextDueAt !== undefined) this.bell.expectAt(this.nextDueAt);
  }

  /** Takes the next delayed task whose time has come. */
  takeDue(now: number): MemoryTask | undefined {
    const task = this.#delayed.takeDue(now);
    if (task) task.dueTimer = undefined;
    return task;
  }

  /** From now on {@link takeExpired} returns the task when its expiry has come. */
  watchExpiry(task: MemoryTask): void {
    if (task.expiresAt === undefined || task.expiryTimer) return;
    task.expiryTimer = this.#expiring.add(task.expiresAt, task);
  }

  unwatchExpiry(task: MemoryTask): void {
    if (!task.expiryTimer) return;
    this.#expiring.remove(task.expiryTimer);
    task.expiryTimer = undefined;
  }

  /** Takes the next task whose expiry has come while it waited. */
  takeExpired(now: number): MemoryTask | undefined {
    const task = this.#expiring.takeDue(now);
    if (!task) return undefined;
    task.expiryTimer = undefined;
    this.withdraw(task);
    return task;
  }

  /** Takes a task that waits here out of the queue. */
  withdraw(task: MemoryTask): void {
    if (task.dueTimer) {
      this.#delayed.remove(task.dueTimer);
      task.dueTimer = undefined;
    } else {
      this.#line(task).remove(task);
    }
    this.unwatchExpiry(task);
  }

  /** Every task that waits here, ready or delayed; a list of its own. */
  waiting(): MemoryTask[] {
    const tasks = [...this.#delayed.items()];
    for (const { first } of this.#ready) {
      for (let task = first; task; task = task.next) tasks.push(task);
    }
    return tasks;
  }

  stats(): Omit<QueueStats, 'deadLetters'> {
    return {
      name: this.name,
      paused: this.paused,
      queued: this.queued,
      scheduled: this.#delayed.size,
      running: this.running,
      succeeded: this.succeeded,
      failed: this.failed,
      retried: this.retried,
      oldestReadyAt: this.#oldestReadyAt,
    };
  }

  get #oldestReadyAt(): number | undefined {
    let oldest: number | undefined;
    for (const { first } of this.#ready) {
      const readyAt = first?.readyAt;
      if (readyAt !== undefined && (oldest === undefined || readyAt < oldest)) oldest = readyAt;
    }
    return oldest;
  }

  #line(task: MemoryTask): TaskList<MemoryTask> {
    return this.#ready[task.priority] as TaskList<MemoryTask>;
  }

  #announce(): void {
    if (!this.paused) this.bell.ring(1);
  }
}
