import { type Clock, systemClock } from '../../core/clock.js';
import type { TaskState } from '../../core/task-state.js';
import { isTerminal } from '../../core/task-state.js';
import type { EnqueueOutcome, NewTask } from '../broker.js';
import {
  type DueSchedules,
  type Occurrence,
  PENDING_RECOVERY_MS,
  type ScheduleChange,
  type ScheduleRecord,
  type ScheduleStore,
  type SettledTick,
  type Tick,
  type TickFault,
  type TickOutcome,
} from '../schedule-store.js';
import { type HeapTimer, TimerHeap } from './timer-heap.js';

/** The queues beside which schedules live. */
export interface QueuesBeside {
  enqueue(task: NewTask): EnqueueOutcome;
  stateOf(taskId: string): TaskState | undefined;
}

type Fields = { -readonly [K in keyof ScheduleRecord]: ScheduleRecord[K] };

interface KeptSchedule extends Fields {
  timer: HeapTimer<KeptSchedule> | undefined;
}

/** What memory schedule stores share when they are to be one. */
export class MemorySchedules {
  readonly byId = new Map<string, KeptSchedule>();
  readonly due = new TimerHeap<KeptSchedule>();
  readonly listeners = new Set<() => void>();
}

/** Schedules in the memory of this process. Every call is carried out before it returns its promise. */
export class MemoryScheduleStore implements ScheduleStore {
  readonly description: string;
  readonly #clock: Clock;
  readonly #schedules: MemorySchedules;
  readonly #queues: QueuesBeside | undefined;

  constructor(
    options: {
      readonly clock?: Clock | undefined;
      readonly content?: MemorySchedules;
      readonly queues?: QueuesBeside;
      readonly description?: string;
    } = {},
  ) {
    this.description = options.description ?? 'memory://';
    this.#clock = options.clock ?? systemClock;
    this.#schedules = options.content ?? new MemorySchedules();
    this.#queues = options.queues;
  }

  async connect(): Promise<void> {}

  async close(): Promise<void> {}

  async now(): Promise<number> {
    return this.#clock.now();
  }

  holdsTask(_id: string): boolean {
    return this.#queues !== undefined;
  }

  async put(change: ScheduleChange): Promise<'stored' | 'conflict'> {
    const { id, version, definition, override, next } = change;
    const now = this.#clock.now();
    const known = this.#schedules.byId.get(id);
    if ((known?.version ?? 0) !== version) return 'conflict';
    if (next && next !== 'keep' && next.dueAt <= (known?.lastDueAt ?? -Infinity)) return 'conflict';
    const schedule = known ?? this.#create(id, now);
    schedule.definition = definition;
    schedule.override = override;
    schedule.version++;
    schedule.updatedAt = now;
    if (next !== 'keep') this.#place(schedule, next);
    return 'stored';
  }

  async remove(id: string, version?: number): Promise<boolean> {
    const schedule = this.#schedules.byId.get(id);
    if (!schedule || (version !== undefined && schedule.version !== version)) return false;
    this.#look(schedule, undefined);
    this.#schedules.byId.delete(id);
    return true;
  }

  async find(id: string): Promise<ScheduleRecord | undefined> {
    const schedule = this.#schedules.byId.get(id);
    return schedule && recordOf(schedule);
  }

  async list({
    after,
    limit,
  }: {
    after?: string | undefined;
    limit: number;
  }): Promise<ScheduleRecord[]> {
    return [...this.#schedules.byId.values()]
      .filter(({ id }) => after === undefined || id > after)
      .sort((a, b) => (a.id < b.id ? -1 : 1))
      .slice(0, limit)
      .map(recordOf);
  }

  async due({ offset, limit }: { offset: number; limit: number }): Promise<DueSchedules> {
    const now = this.#clock.now();
    const { due } = this.#schedules;
    const taken: KeptSchedule[] = [];
    for (let schedule; (schedule = due.takeDue(now));) taken.push(schedule);
    const nextAt = due.nextAt;
    for (const schedule of taken) schedule.timer = due.add(schedule.timer?.at ?? now, schedule);
    return { now, records: taken.slice(offset, offset + limit).map(recordOf), nextAt };
  }

  async fire(ticks: readonly Tick[]): Promise<TickOutcome[]> {
    return ticks.map((tick) => this.#fireOne(tick));
  }

  async settle(settled: readonly SettledTick[]): Promise<void> {
    for (const { id, taskId, accepted } of settled) {
      const schedule = this.#schedules.byId.get(id);
      if (schedule?.pending === undefined || schedule.lastTaskId !== taskId) continue;
      schedule.pending = undefined;
      if (accepted) schedule.runs++;
      else schedule.skipped++;
      this.#look(schedule, schedule.next?.fireAt);
    }
  }

  async fault(fault: TickFault): Promise<'noted' | 'moved'> {
    const schedule = this.#schedules.byId.get(fault.id);
    if (schedule?.version !== fault.version || schedule.next?.dueAt !== fault.dueAt) return 'moved';
    const now = this.#clock.now();
    if (fault.retryInMs === undefined) {
      schedule.failures++;
      schedule.lastDueAt = fault.dueAt;
      this.#place(schedule, fault.next);
    } else {
      if (!schedule.error) schedule.failures++;
      this.#look(schedule, now + fault.retryInMs);
    }
    schedule.error = { message: fault.message, at: now };
    return 'noted';
  }

  async noteTask(id: string, taskId: string): Promise<void> {
    const schedule = this.#schedules.byId.get(id);
    if (schedule && schedule.pending === undefined) schedule.lastTaskId = taskId;
  }

  async watch(listener: () => void): Promise<() => void> {
    const { listeners } = this.#schedules;
    // A watcher of its own, even when one function watches twice.
    const watcher = (): void => listener();
    listeners.add(watcher);
    return () => void listeners.delete(watcher);
  }

  #create(id: string, now: number): KeptSchedule {
    const schedule: KeptSchedule = {
      id,
      definition: '',
      version: 0,
      override: undefined,
      next: undefined,
      createdAt: now,
      updatedAt: now,
      runs: 0,
      failures: 0,
      skipped: 0,
      missed: 0,
      lastDueAt: undefined,
      lastFiredAt: undefined,
      lastDriftMs: undefined,
      lastTaskId: undefined,
      error: undefined,
      pending: undefined,
      timer: undefined,
    };
    this.#schedules.byId.set(id, schedule);
    return schedule;
  }

  #fireOne({ id, version, dueAt, next, missed, run }: Tick): TickOutcome {
    const schedule = this.#schedules.byId.get(id);
    if (
      schedule?.version !== version ||
      schedule.next?.dueAt !== dueAt ||
      schedule.pending !== undefined
    ) {
      return { outcome: 'moved' };
    }
    const now = this.#clock.now();
    schedule.missed += missed;
    schedule.lastDueAt = run?.dueAt ?? dueAt;
    if (!run) {
      this.#place(schedule, next);
      return { outcome: 'skipped', because: 'missed', taskId: undefined };
    }
    const previous = run.previous === 'ask' ? this.#previousOf(schedule) : run.previous;
    if (previous === 'failed') schedule.failures++;
    if (previous === 'active' && run.unlessActive) {
      schedule.skipped++;
      this.#place(schedule, next);
      return { outcome: 'skipped', because: 'overlap', taskId: schedule.lastTaskId };
    }
    const together = this.holdsTask(run.task.id) ? this.#queues : undefined;
    if (together) {
      const { id: holder } = together.enqueue(run.task);
      if (holder !== run.task.id) {
        schedule.skipped++;
        schedule.error = undefined;
        this.#place(schedule, next);
        return { outcome: 'skipped', because: 'unique', taskId: holder };
      }
      schedule.runs++;
    }
    schedule.lastFiredAt = now;
    schedule.lastDriftMs = now - run.plannedAt;
    schedule.lastTaskId = run.task.id;
    schedule.error = undefined;
    this.#place(schedule, next);
    if (together) return { outcome: 'enqueued', driftMs: now - run.plannedAt };
    schedule.pending = JSON.stringify(run.task);
    const recoverAt = now + PENDING_RECOVERY_MS;
    this.#look(schedule, Math.min(recoverAt, next?.fireAt ?? recoverAt));
    return { outcome: 'pending', driftMs: now - run.plannedAt };
  }

  #previousOf({ lastTaskId }: KeptSchedule): 'active' | 'failed' | 'other' {
    const state = lastTaskId === undefined ? undefined : this.#queues?.stateOf(lastTaskId);
    if (state === undefined) return 'other';
    return isTerminal(state) ? (state === 'failed' ? 'failed' : 'other') : 'active';
  }

  #place(schedule: KeptSchedule, next: Occurrence | undefined): void {
    schedule.next = next;
    const recovers = schedule.pending === undefined ? undefined : schedule.timer?.at;
    this.#look(
      schedule,
      recovers === undefined ? next?.fireAt : Math.min(recovers, next?.fireAt ?? recovers),
    );
  }

  /** Says when the schedule is to be looked at. */
  #look(schedule: KeptSchedule, at: number | undefined): void {
    const { due, listeners } = this.#schedules;
    if (schedule.timer) due.remove(schedule.timer);
    schedule.timer = undefined;
    if (at === undefined) return;
    const isEarlier = at < (due.nextAt ?? Infinity);
    schedule.timer = due.add(at, schedule);
    if (isEarlier) for (const listener of listeners) listener();
  }
}

function recordOf({ timer: _, ...record }: KeptSchedule): ScheduleRecord {
  return record;
}
