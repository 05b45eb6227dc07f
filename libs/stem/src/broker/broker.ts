import type { Envelope } from '../core/envelope.js';
import type { TaskFailure } from '../core/failure.js';
import type { JsonObject, JsonValue } from '../core/json.js';
import type { TaskState } from '../core/task-state.js';
import type { ControlBus } from './control-bus.js';
import type { MonitorStore } from './monitor-store.js';
import type { NewTask } from './new-task.js';
import type { ScheduleStore } from './schedule-store.js';

export type { NewTask } from './new-task.js';

/**
 * The port between Stem and the place where tasks live.
 *
 * A broker executes the transitions of `core/task-state.ts`, each in one atomic step, and answers
 * questions about tasks and queues. Whatever differs between brokers (keys, partitions, scripts,
 * connections) stays behind it. `test/contract` holds the suite that every broker must pass.
 *
 * Promises are bounded in time: a call either answers, or rejects with a `BrokerUnavailableError` (not
 * carried out) or a `BrokerTimeoutError` (outcome unknown). Every transition may be repeated after
 * such an error without harm.
 *
 * All times are milliseconds since 1970 on the broker's own clock; `…Ms` alone is a duration.
 */
export interface Broker {
  /** For people: what kind of broker this is and where, without its password. */
  readonly description: string;

  /**
   * Schedules kept with the tasks, so that a tick and its task are one step. It is connected and closed
   * with the broker. Absent: schedules need a store of their own.
   */
  readonly schedules?: ScheduleStore;

  /** Commands to workers and their answers. Absent: workers of this broker cannot be talked to. */
  readonly control?: ControlBus | undefined;
  /**
   * Heartbeats, counts and events, for operators. It is connected and closed with the broker. Absent:
   * none are kept.
   */
  readonly monitor?: MonitorStore | undefined;

  /** Connects, and checks that the other side can do what is needed. Repeated calls are one. */
  connect(): Promise<void>;

  /** Ends all connections. Calls under way are rejected. Consumers must be closed before. */
  close(): Promise<void>;

  /**
   * How many partitions of the namespace hold anything, for tools that are not told how many there are.
   * Absent where there are none.
   */
  countPartitions?(): Promise<number>;

  /** The broker's clock, as well as it is known here without asking. */
  now(): number;

  /** A new id, placed by `key` when one is given (equal keys, equal place), else anywhere. */
  newTaskId(key?: string): string;

  /**
   * `enqueue`: accepts tasks, all or none per partition, in their order. A task whose id or unique
   * claim is taken is not created; its outcome names the one that holds the claim.
   *
   * A broker may need several steps for a batch. Then none of its tasks is known before all are accepted, each
   * becomes known after those before it, and whoever calls {@link reclaim} finishes what its client has left.
   */
  enqueue(tasks: readonly NewTask[]): Promise<EnqueueOutcome[]>;

  /** Registers a consumer and takes its lease. Its name is made unique by the broker. */
  openConsumer(options: ConsumerOptions): Promise<Consumer>;

  /**
   * `reclaim`: takes consumers whose lease ran out off the register and hands on what they held. Also
   * finishes accepted batches whose client is gone.
   * A task that lost its holder `maxLosses` times is failed with reason `delivery-limit`.
   */
  reclaim(options: { maxLosses: number }): Promise<ReclaimOutcome>;

  /** `promote` and `expire`: moves every task whose time has come. Claiming does it too. */
  settleDue(queue: string): Promise<{ promoted: number; expired: number }>;

  /** `cancel`: ends a waiting task, asks the holder of a running one to stop. */
  cancel(id: string, request: CancelRequest): Promise<CancelOutcome>;

  /** What is known of a task, or nothing. */
  find(id: string): Promise<TaskRecord | undefined>;

  /**
   * Tasks, the latest first: ended ones by when they ended, `scheduled` and `retrying` ones by when
   * they are due, the others by when they became ready. For people: one call does a bounded amount of
   * work, so of very many tasks it may see only a part; see {@link TaskQuery}.
   */
  listTasks(query: TaskQuery): Promise<TaskRecord[]>;

  /**
   * Waits until a task has ended, told by notification.
   *
   * @returns its last record, or nothing when `timeoutMs` passed first. Of a task of which nothing is
   *   kept, only `id` and `state` of the record are to be relied on.
   * @throws {TaskNotFoundError} when no such task is known, or is not any more.
   */
  waitForEnd(id: string, timeoutMs: number): Promise<TaskRecord | undefined>;

  /** Every queue that was ever used, with its numbers. */
  listQueues(): Promise<QueueStats[]>;
  /** How a queue stands; one that was never used is empty. */
  queueStats(queue: string): Promise<QueueStats>;
  /** Stops handing out tasks of a queue; running ones go on. */
  pauseQueue(queue: string): Promise<void>;
  /** Hands out tasks of a queue again. */
  resumeQueue(queue: string): Promise<void>;
  /** Cancels every waiting task of a queue, with reason `purged`; running ones go on. */
  purgeQueue(queue: string): Promise<number>;

  /** Dead letters, newest first unless `oldestFirst`. */
  listDeadLetters(query: DeadLetterQuery): Promise<TaskRecord[]>;
  /** `replay`: starts dead letters over. Outcomes are in the order of the ids. */
  replay(ids: readonly string[], options: { delayMs: number }): Promise<ReplayOutcome[]>;
  /** Deletes dead letters for good; returns how many there were. */
  discardDeadLetters(ids: readonly string[]): Promise<number>;
}

/** What became of one task that was enqueued. */
export interface EnqueueOutcome {
  /** The new task, or the one that holds the claim. */
  readonly id: string;
  readonly created: boolean;
}

/** How a worker takes tasks. */
export interface ConsumerOptions {
  /** The worker's name, for people; several processes may share it. */
  readonly worker: string;
  /** Queues it takes tasks from; one that comes earlier is asked earlier, in rotation. */
  readonly queues: readonly string[];
  /** Without renewal for this long, its tasks go to others. */
  readonly leaseMs: number;
  /** Told when somebody asked a running task of this consumer to stop. */
  readonly onCancelRequested?: (id: string, request: CancelRequest) => void;
  /** Told of records that could not be read, or tasks that could not be handed out, and why. */
  readonly onRejected?: (rejection: Rejection) => void;
}

/** A worker process's hold on tasks, under one lease. */
export interface Consumer {
  /** Unique per process start: the worker's name plus a boot id. */
  readonly id: string;

  /**
   * `claim`: settles what is due, then takes up to `max` ready tasks, highest priority first. Records
   * that cannot be read are dead-lettered with a reason, never handed out.
   */
  claim(max: number): Promise<ClaimOutcome>;

  /**
   * Waits until there may be something to claim: new work, work coming due, or `timeoutMs`. Resolves
   * at once after {@link stopWaiting}. A lost wake-up costs at most `timeoutMs`.
   */
  waitForWork(timeoutMs: number): Promise<void>;
  /** Ends the present and every future wait. */
  stopWaiting(): void;

  /**
   * From now on takes nothing from these queues, and is not woken for them; an empty list ends that. A
   * claim under way may still bring some.
   */
  leaveOut(queues: readonly string[]): void;

  /**
   * `renew`: makes sure of the lease for its length from now, or for `atLeastMs` if that is longer. A
   * lease is never shortened.
   */
  renew(atLeastMs?: number): Promise<'renewed' | 'lease-lost'>;

  /** `complete`: the task has succeeded. */
  complete(delivery: Delivery, success: Success): Promise<SettleOutcome>;
  /** `retry`: this attempt has failed, and another one follows. */
  retry(delivery: Delivery, retry: Retry): Promise<SettleOutcome>;
  /** `fail`: the task has given up and becomes a dead letter. */
  fail(delivery: Delivery, death: Death): Promise<SettleOutcome>;
  /** `abandon`: settles a task that was asked to stop as cancelled. */
  abandon(delivery: Delivery, end: Abandonment): Promise<SettleOutcome>;
  /** `release`: gives the task back, unharmed and at its old place. */
  release(delivery: Delivery): Promise<SettleOutcome>;

  /**
   * Asks for a turn under a rate limit. When it is the task's turn, it stays in our hands; otherwise
   * `postpone`: it waits for a turn of its own, and comes back `admitted`. A cancel asked for meanwhile
   * ends it; it is not in our hands any more either.
   */
  admit(delivery: Delivery, limit: RateLimitOf): Promise<AdmitOutcome>;

  /** Keeps the latest progress of a running task; dropped when the lease is lost. */
  reportProgress(delivery: Delivery, progress: Progress): Promise<void>;

  /** Releases whatever is still held and gives the lease up. */
  close(): Promise<void>;
}

/** One hand-out of a task. */
export interface Delivery {
  readonly envelope: Envelope;
  readonly queue: string;
  readonly priority: number;
  /** Errors so far: 0 for the first try. */
  readonly attempt: number;
  /** How often it was handed out, this time included. */
  readonly deliveries: number;
  readonly replays: number;
  readonly enqueuedAt: number;
  /** When it became ready, in its queue; a task that was given back keeps its time. Absent: unknown. */
  readonly readyAt?: number | undefined;
  /** It has waited for its turn under a rate limit, and must not be asked to again. */
  readonly admitted: boolean;
}

/** A rate limit: tasks with one key start at least `intervalMs` apart. */
export interface RateLimitOf {
  readonly key: string;
  readonly intervalMs: number;
}

export type AdmitOutcome = 'admitted' | 'postponed' | 'lease-lost' | 'not-held';

/** What a claim brought: tasks, or that the lease is gone. */
export type ClaimOutcome =
  | {
      readonly outcome: 'claimed';
      readonly deliveries: readonly Delivery[];
      /** There is probably more: the claim ended because it had as much as it may take. */
      readonly mayHaveMore: boolean;
      /** When the next waiting task of these queues comes due, if the batch was not full. */
      readonly nextDueAt: number | undefined;
    }
  | { readonly outcome: 'lease-lost' };

/** `settled`, or why not: the lease is gone, or this consumer does not hold the task any more. */
export type SettleOutcome = 'settled' | 'lease-lost' | 'not-held';

/** The end of a task that succeeded. */
export interface Success {
  /** The result as JSON, a reference made by {@link resultReference}, or nothing to keep none. */
  readonly result: string | undefined;
  readonly startedAt: number;
  /** How long the record is kept; 0 keeps none at all. */
  readonly ttlMs: number;
}

/** A failed attempt that another one follows. */
export interface Retry {
  readonly failure: TaskFailure;
  /** Wait this long, or until this time. */
  readonly delayMs?: number | undefined;
  readonly dueAt?: number | undefined;
  readonly startedAt: number;
  /** Retention in case a cancel was asked for meanwhile. */
  readonly ttlMs: number;
}

/** The end of a task that gave up. */
export interface Death {
  readonly failure: TaskFailure;
  readonly reason: DeathReason;
  readonly startedAt: number;
}

/** The end of a running task that was asked to stop. */
export interface Abandonment {
  readonly reason: string;
  readonly startedAt: number;
  readonly ttlMs: number;
}

/** Why tasks become dead letters. */
export const DEATH_REASONS = [
  'retries-exhausted',
  'unrecoverable',
  'not-retryable',
  'unknown-task',
  'result-not-serialisable',
  'delivery-limit',
  'corrupt-record',
  'oversized-record',
] as const;

/** Why a task ended among the dead letters. */
export type DeathReason = (typeof DEATH_REASONS)[number];

/** How far a running task says it is. */
export interface Progress {
  /** 0 to 1. */
  readonly fraction: number;
  readonly data?: JsonValue | undefined;
}

/** How a task is to be cancelled. */
export interface CancelRequest {
  readonly reason: string;
  /** Whether an isolated handler may be killed. */
  readonly terminate: boolean;
  /** How long the record of the cancelled task is kept. */
  readonly ttlMs: number;
}

/** `requested`: it runs; its holder was asked to stop. `ended`: it had already come to its end. */
export type CancelOutcome = 'cancelled' | 'requested' | 'ended' | 'not-found';

/** What became of one id that was to be replayed; `not-dead`: it is of no dead letter. */
export type ReplayOutcome = 'replayed' | 'not-dead';

/** What was taken from consumers that lost their lease. */
export interface ReclaimOutcome {
  /** Consumers whose lease had run out. */
  readonly consumers: readonly string[];
  /** Tasks that are ready again. */
  readonly requeued: number;
  /** Ids of tasks that had lost their holder too often. */
  readonly deadLettered: readonly string[];
}

/** A record that could not be handed out, and is a dead letter now. */
export interface Rejection {
  /** The task's id, or the one under which the dead letter is kept. */
  readonly id: string;
  readonly queue: string;
  readonly reason: DeathReason;
  readonly detail: string;
}

/** Everything that is known of a task. */
export interface TaskRecord {
  readonly id: string;
  readonly name: string;
  readonly queue: string;
  readonly priority: number;
  readonly state: TaskState;
  readonly args: JsonValue;
  readonly headers: Readonly<Record<string, string>>;
  readonly meta: JsonObject;
  readonly attempt: number;
  readonly deliveries: number;
  readonly replays: number;
  readonly enqueuedAt: number;
  readonly startedAt?: number | undefined;
  readonly finishedAt?: number | undefined;
  /** Due time while it is `scheduled` or `retrying`. */
  readonly notBefore?: number | undefined;
  /** The consumer that holds it or ended it. */
  readonly worker?: string | undefined;
  readonly progress?: Progress | undefined;
  /** The result as JSON, or a reference; see {@link resultKeyOf}. */
  readonly result?: string | undefined;
  /** The last failure. */
  readonly failure?: TaskFailure | undefined;
  /** Why it was dead-lettered or cancelled. */
  readonly reason?: string | undefined;
}

/** How a queue stands. */
export interface QueueStats {
  readonly name: string;
  readonly paused: boolean;
  /** Ready to be claimed. */
  readonly queued: number;
  /** Waiting for their due time, first tries and retries alike. */
  readonly scheduled: number;
  readonly running: number;
  readonly deadLetters: number;
  /** Ends since the queue was first used. */
  readonly succeeded: number;
  readonly failed: number;
  readonly retried: number;
  /** Since when the task has been ready that has been so for longest; absent when none is, or unknown. */
  readonly oldestReadyAt?: number | undefined;
}

/**
 * Which tasks to list; all conditions must hold.
 *
 * A broker looks at no more than {@link LISTING_BUDGET} tasks. Ended ones other than dead letters need not
 * be kept in an order: of more than that, any may be left out.
 */
export interface TaskQuery {
  readonly state?: TaskState | undefined;
  readonly queue?: string | undefined;
  readonly name?: string | undefined;
  readonly limit: number;
  readonly offset?: number | undefined;
}

/** Most tasks that {@link Broker.listTasks} looks at. */
export const LISTING_BUDGET = 20_000;

/** Which dead letters to list. */
export interface DeadLetterQuery {
  /** One queue, or all. */
  readonly queue?: string | undefined;
  readonly limit: number;
  readonly offset?: number | undefined;
  /** Only those that died at or after this time. */
  readonly since?: number | undefined;
  readonly oldestFirst?: boolean | undefined;
}

/**
 * Where results are kept when they are not to live with the broker's records.
 *
 * A result is written here before the task is settled, under a key of its own per delivery: writing it
 * twice is harmless, and a worker that lost its lease leaves a text that no record refers to.
 */
export interface ResultBackend {
  /** For people: what kind of store this is and where, without its password. */
  readonly description: string;
  /** Connects; rejects when the store cannot be reached. */
  connect(): Promise<void>;
  /** Ends the connection. */
  close(): Promise<void>;
  /** Keeps a result, JSON, for so long. */
  put(key: string, result: string, ttlMs: number): Promise<void>;
  /** A result that is still kept. */
  get(key: string): Promise<string | undefined>;
}

/** Marks a kept text as a key of the {@link ResultBackend}; no JSON text begins like this. */
const REFERENCE_MARK = '@';

/** What a record keeps when its result lives in a {@link ResultBackend}; the key is inside. */
export function resultReference(delivery: Delivery): string {
  const { envelope, replays, deliveries } = delivery;
  return `${REFERENCE_MARK}${envelope.id}:${replays}.${deliveries}`;
}

/** The backend's key for a kept text, or nothing when the text is the result itself. */
export function resultKeyOf(kept: string): string | undefined {
  return kept.startsWith(REFERENCE_MARK) ? kept.slice(REFERENCE_MARK.length) : undefined;
}
