import type { RunOutcome, WorkerState } from '../core/worker-status.js';

/**
 * The port between what processes tell of themselves and the place where operators read it: heartbeats,
 * counts per minute, and a bounded stream of events.
 *
 * Best effort: nothing in it decides what becomes of a task. As with a broker, promises are bounded in
 * time, and every call may be repeated without harm; `test/contract` holds the suite for it.
 *
 * All times are milliseconds since 1970 on the store's own clock, unless a process says otherwise of
 * itself; `…Ms` alone is a duration.
 */
export interface MonitorStore {
  /**
   * Adds what a process has counted to the present minute, and its events to the stream. A batch whose
   * number is not above the last one recorded of the process was recorded before, and changes nothing.
   */
  record(batch: MonitorBatch): Promise<void>;

  /** Takes a heartbeat; without another one the process is forgotten after `ttlMs`. */
  beat(report: ProcessReport, ttlMs: number): Promise<void>;
  /** Forgets a process at once. */
  forget(id: string): Promise<void>;
  /** The last heartbeat of every process that is not forgotten. */
  processes(): Promise<{ readonly now: number; readonly processes: SeenProcess[] }>;

  /** What was counted in each minute that began at or after `since`, the oldest first. */
  counts(since: number): Promise<{ readonly now: number; readonly minutes: CountedMinute[] }>;

  /**
   * Events in the order in which they were recorded: the first ones after a cursor, from the oldest that
   * is kept if the cursor's own is not any more; or without a cursor the latest ones.
   */
  events(query: {
    readonly after?: string | undefined;
    readonly limit: number;
  }): Promise<StoredEvent[]>;

  /** Follows the events after a cursor, or those to come. It must be closed. */
  followEvents(after?: string): EventFollower;
}

/** Reads events as they come. */
export interface EventFollower {
  /** Up to some hundreds of the next events; none when there were none for `timeoutMs`, or it is closed. */
  next(timeoutMs: number): Promise<StoredEvent[]>;
  /** Ends the present and every later call. */
  close(): void;
}

/** What a process has counted and seen since its last batch. */
export interface MonitorBatch {
  /** Unique per process and Stem. */
  readonly source: string;
  /** 1, 2, 3, … */
  readonly number: number;
  /** Increments by field; what a field means is known to those who count. */
  readonly counts: ReadonlyMap<string, number>;
  /** How long the counts of a minute are kept at least. */
  readonly countsKeptMs: number;
  readonly events: readonly MonitorEvent[];
  /** How many events the stream keeps, about; the oldest go first. */
  readonly eventsKept: number;
}

/** Counts of one minute over all processes. */
export interface CountedMinute {
  /** When it began. */
  readonly from: number;
  readonly counts: ReadonlyMap<string, number>;
}

/** What an event tells of. */
export const EVENT_TYPES = [
  'task-enqueued',
  'task-started',
  'task-succeeded',
  'task-failed',
  'task-retried',
  'task-cancelled',
  'task-released',
  'task-lease-lost',
  'worker-online',
  'worker-offline',
  'beat-online',
  'beat-offline',
  'schedule-dispatched',
  'events-skipped',
] as const;

/** One of {@link EVENT_TYPES}. */
export type StemEventType = (typeof EVENT_TYPES)[number];

/** Something that happened to a task, a worker, a Beat or a schedule. */
export interface MonitorEvent {
  readonly type: StemEventType;
  readonly at: number;
  /** The task it is about. */
  readonly task?:
    | {
        readonly id: string;
        readonly name: string;
        readonly queue: string;
        readonly attempt: number;
      }
    | undefined;
  /** Id of the worker, or of the Beat. */
  readonly worker?: string | undefined;
  /** How long the run took. */
  readonly durationMs?: number | undefined;
  /** Why a task failed or was cancelled, or the message of the error after which it is retried. */
  readonly reason?: string | undefined;
  /** The tick that became a task. */
  readonly schedule?: { readonly id: string; readonly scheduledFor: number } | undefined;
  /** Of `events-skipped`: how many a process left out, because there were too many. */
  readonly count?: number | undefined;
}

/** An event with its place in the stream. */
export interface StoredEvent extends MonitorEvent {
  /** Its place in the stream, for `after`. */
  readonly cursor: string;
}

/** A heartbeat, and when the store received it. */
export interface SeenProcess {
  readonly report: ProcessReport;
  readonly beatAt: number;
}

/** What a heartbeat tells: the state of a worker or a Beat. It travels as JSON. */
export type ProcessReport = WorkerReport | BeatReport;

/** What workers and Beats have in common. Times are by the process's own clock. */
export interface ProcessFacts {
  /** Of a worker its consumer id; of a Beat a random one. */
  readonly id: string;
  readonly host: string;
  readonly pid: number;
  /** Of this package. */
  readonly version: string;
  readonly startedAt: number;
  /** Time between two heartbeats. */
  readonly intervalMs: number;
  /** How late the event loop was since the last heartbeat. */
  readonly eventLoopLagMs: { readonly mean: number; readonly p99: number };
  readonly memory: { readonly rssBytes: number; readonly heapUsedBytes: number };
}

/** What a worker tells of itself. */
export interface WorkerReport extends ProcessFacts {
  readonly kind: 'worker';
  readonly name: string;
  readonly queues: readonly string[];
  /** Queues that this very worker takes nothing from, though it serves them. */
  readonly paused: readonly string[];
  readonly state: WorkerState;
  /** Present when it takes no tasks though it should. */
  readonly illness?: { readonly reason: string; readonly since: number } | undefined;
  readonly concurrency: number;
  /** Most tasks that it holds, those that run included. */
  readonly prefetch: number;
  readonly running: number;
  readonly held: number;
  readonly threads: number;
  readonly counts: {
    readonly runs: Readonly<Record<RunOutcome, number>>;
    readonly leasesLost: number;
    readonly blocks: number;
  };
}

/** What a Beat tells of itself. */
export interface BeatReport extends ProcessFacts {
  readonly kind: 'beat';
  /** Whether its last look at the schedules succeeded, and the next is not late. */
  readonly isTicking: boolean;
  /** Why not. */
  readonly reason?: string | undefined;
  /** When it last looked with success. */
  readonly lookedAt?: number | undefined;
  /** When it last turned a tick into a task. */
  readonly dispatchedAt?: number | undefined;
  readonly dispatched: number;
}
