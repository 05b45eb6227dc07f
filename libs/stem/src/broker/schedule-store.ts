import type { NewTask } from './new-task.js';

/**
 * The port between Beat and the place where schedules live.
 *
 * Any number of Beats work on one store, without a leader and without locks. What keeps them apart is
 * {@link fire}: one atomic step that moves a schedule on to its next tick only if nobody else has. A
 * store that also holds the queues enqueues the tick's task in that very step.
 *
 * What is due when, is computed outside; the store compares times, and its clock decides. As with a
 * broker, promises are bounded in time, and every call may be repeated without harm.
 *
 * All times are milliseconds since 1970 on the store's own clock; `…Ms` alone is a duration.
 */
export interface ScheduleStore {
  /** For people: what kind of store this is and where, without its password. */
  readonly description: string;

  /** Connects; rejects when the store cannot be reached. */
  connect(): Promise<void>;
  /** Ends the connection. */
  close(): Promise<void>;

  /** The store's clock. */
  now(): Promise<number>;

  /** Whether a task of this id lives here too, so that {@link fire} can enqueue it. */
  holdsTask(id: string): boolean;

  /** Creates or replaces a schedule, unless it was changed since it was read. History stays. */
  put(change: ScheduleChange): Promise<'stored' | 'conflict'>;

  /** Removes a schedule with its history; only this version of it, when one is given. */
  remove(id: string, version?: number): Promise<boolean>;

  /** One schedule, if it is known. */
  find(id: string): Promise<ScheduleRecord | undefined>;

  /** Schedules in the order of their ids, those after `after`. */
  list(page: { after?: string | undefined; limit: number }): Promise<ScheduleRecord[]>;

  /**
   * What is to be looked at now, the longest due first, and when there will be something next. The cost
   * grows with what is returned, not with how many schedules there are.
   */
  due(page: { offset: number; limit: number }): Promise<DueSchedules>;

  /** Carries out ticks, each in one step and each for itself; outcomes are in their order. */
  fire(ticks: readonly Tick[]): Promise<TickOutcome[]>;

  /** Takes note that the broker has the tasks that {@link fire} left `pending`, or has refused them. */
  settle(settled: readonly SettledTick[]): Promise<void>;

  /** Takes note that a tick could not be carried out, unless the schedule has moved on meanwhile. */
  fault(fault: TickFault): Promise<'noted' | 'moved'>;

  /** Takes note of a task that was enqueued on behalf of a schedule, but not by a tick. */
  noteTask(id: string, taskId: string): Promise<void>;

  /**
   * Calls `listener` when a schedule becomes due earlier than any before. It may be called for nothing,
   * and a call may be lost: whoever listens must look by itself now and then.
   *
   * @returns a function that ends it.
   */
  watch(listener: () => void): Promise<() => void>;
}

/** The next time of a schedule. */
export interface Occurrence {
  /** The tick's own time. */
  readonly dueAt: number;
  /** When it is carried out: `dueAt`, or later by its jitter. */
  readonly fireAt: number;
}

/** What an operator has said about a schedule, over what its definition says. */
export type ScheduleOverride = 'paused' | 'resumed';

/** A schedule as it is to be stored. */
export interface ScheduleChange {
  readonly id: string;
  /** The version that was read; 0 when the schedule must not exist yet. */
  readonly version: number;
  /** JSON that means nothing to the store. */
  readonly definition: string;
  readonly override: ScheduleOverride | undefined;
  /**
   * When it is due next; `keep` leaves that as it is, nothing takes it off. A time at or before the tick
   * carried out last is a conflict: the caller has overlooked it.
   */
  readonly next: Occurrence | 'keep' | undefined;
}

/** Everything that is known of a schedule. */
export interface ScheduleRecord {
  readonly id: string;
  readonly definition: string;
  /** Grows with every {@link ScheduleStore.put}; ticks leave it alone. */
  readonly version: number;
  readonly override: ScheduleOverride | undefined;
  /** Absent while it is paused or disabled, and when it is finished. */
  readonly next: Occurrence | undefined;
  readonly createdAt: number;
  readonly updatedAt: number;
  /** Ticks that became a task. */
  readonly runs: number;
  /** Ticks that could not become a task, and runs of which it was seen that they ended as failed. */
  readonly failures: number;
  /** Ticks that were left out because the run before was not over, or a unique task was there. */
  readonly skipped: number;
  /** Ticks that were given up because they came too late. */
  readonly missed: number;
  /** The tick carried out last, when that was, and how much later than planned. */
  readonly lastDueAt: number | undefined;
  readonly lastFiredAt: number | undefined;
  readonly lastDriftMs: number | undefined;
  /** The task of the last run. */
  readonly lastTaskId: string | undefined;
  /** Why the last tick could not be carried out; absent after one that could. */
  readonly error: { readonly message: string; readonly at: number } | undefined;
  /** A task that was not yet seen to be accepted by the broker: the JSON of a {@link NewTask}. */
  readonly pending: string | undefined;
}

/** What a Beat has to know of a schedule that is due. */
export type DueSchedule = Pick<
  ScheduleRecord,
  'id' | 'definition' | 'version' | 'next' | 'createdAt' | 'lastTaskId' | 'pending'
>;

/** What a look at the due schedules found. */
export interface DueSchedules {
  readonly now: number;
  readonly records: readonly DueSchedule[];
  /** When a schedule that is not due yet comes due. */
  readonly nextAt: number | undefined;
}

/** One tick of one schedule. */
export interface Tick {
  readonly id: string;
  /** As read; a tick of another version or time has been overtaken. */
  readonly version: number;
  readonly dueAt: number;
  /** What follows, computed from the tick's own time; nothing when it was the last. */
  readonly next: Occurrence | undefined;
  /** Ticks that are given up with this step. */
  readonly missed: number;
  /** Absent when the schedule is only moved on. */
  readonly run: TickRun | undefined;
}

/** The run that a tick leads to. */
export interface TickRun {
  /** The tick that is run: a later one than `dueAt` when several are made up for by one run. */
  readonly dueAt: number;
  /** When it was to be carried out; drift counts from here. */
  readonly plannedAt: number;
  readonly task: NewTask;
  /** Leave it out when the run before is not over. */
  readonly unlessActive: boolean;
  /** The state of the run before, or `ask` when its task lives here ({@link ScheduleStore.holdsTask}). */
  readonly previous: 'ask' | 'active' | 'failed' | 'other';
}

/** How a tick ended; `moved`: somebody else was faster, or the schedule was changed. */
export type TickOutcome =
  | { readonly outcome: 'moved' }
  | {
      /** The task was enqueued in the same step, or is `pending`: it is kept here until `settle`. */
      readonly outcome: 'enqueued' | 'pending';
      readonly driftMs: number;
    }
  /** No task was to be enqueued, or none because of another one. */
  | {
      readonly outcome: 'skipped';
      readonly because: 'missed' | 'overlap' | 'unique';
      readonly taskId: string | undefined;
    };

/** What became of a `pending` task. */
export interface SettledTick {
  /** Of the schedule. */
  readonly id: string;
  readonly taskId: string;
  /** Whether the broker has the task; it may have had it before. */
  readonly accepted: boolean;
}

/** A tick that could not be carried out, and what is to be done about it. */
export interface TickFault {
  readonly id: string;
  readonly version: number;
  readonly dueAt: number;
  readonly message: string;
  /** Move on to this tick; nothing finishes the schedule. With `retry` it stays where it is. */
  readonly next: Occurrence | undefined;
  /** Look at the same tick again after this long. */
  readonly retryInMs?: number | undefined;
}

/** How long a store waits for a `pending` task to be settled before another Beat takes it over. */
export const PENDING_RECOVERY_MS = 5_000;
