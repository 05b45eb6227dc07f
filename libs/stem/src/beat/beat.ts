import type { Broker, NewTask } from '../broker/broker.js';
import type {
  DueSchedule,
  ScheduleStore,
  Tick,
  TickOutcome,
  TickRun,
} from '../broker/schedule-store.js';
import { type PreparedTick, prepareTick } from '../client/scheduled-task.js';
import { type PreparationRules, TaskPreparer } from '../client/task-preparer.js';
import {
  BrokerCommandError,
  BrokerFullError,
  BrokerTimeoutError,
  BrokerUnavailableError,
  StemClosedError,
} from '../core/errors.js';
import type { SignalBus, SignalledTask, SignalledTick } from '../core/signals.js';
import type { TaskLogger } from '../core/task-context.js';
import type { TaskObservers } from '../core/task-observer.js';
import type { TaskRegistry } from '../core/task-registry.js';
import { isTerminal } from '../core/task-state.js';
import { readDefinition, type StoredDefinition } from '../schedule/definition.js';
import type { TickPlan } from '../schedule/occurrences.js';
import { OccurrenceCache } from './occurrence-cache.js';
import { Patience } from './patience.js';
import { type BeatStatus, StatusKeeper } from './status-keeper.js';

/** What a {@link Beat} is made of. */
export interface BeatParts {
  readonly broker: Broker;
  readonly store: ScheduleStore;
  readonly registry: TaskRegistry;
  readonly signals: SignalBus;
  readonly observers?: TaskObservers | undefined;
  /** Told of each tick that this Beat has turned into a task. */
  readonly onDispatched?: ((tick: SignalledTick, task: SignalledTask) => void) | undefined;
  readonly rules: PreparationRules;
  readonly log: TaskLogger;
  readonly options: {
    /** Longest time between two looks, should a wake-up be lost. */
    readonly pollIntervalMs: number;
  };
}

/**
 * Schedules that one look takes up. Of several Beats that look at once all but one do so for nothing; few
 * at a time, they share what is due instead.
 */
const PAGE = 100;
/** Longest wait that is worth a timer; also far below what a timer can hold. */
const MAX_WAIT_MS = 60 * 60_000;
const BACKOFF_MS = { first: 100, most: 2_000 } as const;
/**
 * How long a tick that this process cannot carry out is left to others, which may know a task or a kind
 * of spec that is not known here: during a deploy, old and new processes run side by side.
 */
export const PATIENCE_MS = 5_000;
/**
 * How much later than due a Beat looks whose ticks others were faster with; a different time for each, so
 * that one of them comes first when the one that was faster is gone.
 */
const DEFERENCE_MS = { least: 15, most: 60 } as const;
/** How often a schedule is looked at whose next tick cannot be computed. */
const UNCOMPUTABLE_RETRY_MS = 60_000;

/** A due schedule, with what is to become of it. */
interface PlannedTick {
  readonly record: DueSchedule;
  readonly tick: Tick;
  readonly prepared: PreparedTick | undefined;
}

/**
 * Carries out the ticks of schedules. Any number of Beats may run on one store: each looks for itself,
 * and the store decides in one atomic step whose tick it is. None of them holds anything, so one that
 * dies at any point leaves nothing behind that others have to wait for; only a task that lives in another
 * store than its schedule may wait for the seconds until somebody else takes it over.
 */
export class Beat {
  readonly #parts: BeatParts;
  readonly #preparer: TaskPreparer;
  readonly #occurrences = new OccurrenceCache();
  readonly #patience = new Patience(PATIENCE_MS);
  readonly #status = new StatusKeeper();
  #running: Promise<void> | undefined;
  #stopping = false;
  /** Something may have become due earlier than was known when the last look began. */
  #isStale = false;
  #endWait: (() => void) | undefined;
  /**
   * Of several Beats that look at the same moment, all but one work for nothing, and keep the one from its
   * work where they share its machine. So a Beat that mostly comes too late comes a little later from then
   * on, until it finds ticks again. Nobody has to agree on it, and nothing depends on it.
   */
  #deferenceMs = 0;
  readonly #ownDeferenceMs =
    DEFERENCE_MS.least + Math.random() * (DEFERENCE_MS.most - DEFERENCE_MS.least);

  constructor(parts: BeatParts) {
    this.#parts = parts;
    const { broker, registry, rules } = parts;
    this.#preparer = new TaskPreparer(registry, rules, (key) => broker.newTaskId(key));
  }

  /** Whether it does its work, as far as it can tell itself. */
  get status(): BeatStatus {
    return this.#status.status;
  }

  /** Begins to look for due schedules, in the background. */
  start(): void {
    this.#running ??= this.#run();
  }

  /** Ends after the tick that is under way, if any. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#endWait?.();
    await this.#running;
  }

  /**
   * Carries out everything that is due now. {@link start} does it whenever something comes due; by hand
   * it is for tests with a clock of their own.
   *
   * @returns how long it is until something comes due, in milliseconds; nothing when nothing will.
   */
  async round(): Promise<number | undefined> {
    const { store } = this.#parts;
    // Those that are left where they are stand in front of the others; they are passed over.
    const met = new Set<string>();
    for (let offset = 0; ;) {
      const { now, records, nextAt } = await store.due({ offset, limit: PAGE });
      // Met before in this round, it cannot be moved: however that is, the round has to end.
      const fresh = records.filter((record) => !met.has(keyOf(record)));
      for (const record of fresh) met.add(keyOf(record));
      const left = records.length - fresh.length + (await this.#carryOut(fresh, now));
      offset += left;
      if (this.#stopping) return undefined;
      if (left < records.length || records.length === PAGE) continue;
      const until = Math.min(nextAt ?? Infinity, this.#patience.endsAt(now) ?? Infinity);
      return until === Infinity ? undefined : Math.max(until - now, 0);
    }
  }

  async #run(): Promise<void> {
    const { store, log, options } = this.#parts;
    let unwatch: (() => void) | undefined;
    store
      .watch(() => {
        this.#isStale = true;
        this.#endWait?.();
      })
      .then(
        (end) => (unwatch = end),
        (error: unknown) => log.warn(`Beat hears of no changes, and polls: ${messageOf(error)}`),
      );
    for (let failures = 0; !this.#stopping;) {
      let waitMs: number;
      let isAwaited = true;
      this.#isStale = false;
      try {
        const untilDueMs = await this.round();
        if (failures > 0) log.log('Beat carries on.');
        failures = 0;
        isAwaited = untilDueMs !== undefined;
        const untilLookMs = (untilDueMs ?? MAX_WAIT_MS) + this.#deferenceMs;
        waitMs = Math.min(untilLookMs, options.pollIntervalMs, MAX_WAIT_MS);
        this.#status.looked(waitMs);
      } catch (error) {
        if (this.#stopping) break;
        this.#status.failed(messageOf(error));
        if (failures++ === 0) {
          log.error(`Beat cannot carry schedules out, and keeps trying: ${messageOf(error)}`);
        }
        waitMs = Math.min(BACKOFF_MS.first * 2 ** Math.min(failures, 10), BACKOFF_MS.most);
      }
      if (!this.#isStale) await this.#wait(waitMs, isAwaited);
    }
    unwatch?.();
  }

  /** @param isAwaited whether something is to come: a process without any may end. */
  #wait(ms: number, isAwaited: boolean): Promise<void> {
    if (this.#stopping) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#endWait?.(), ms);
      if (!isAwaited) timer.unref();
      this.#endWait = () => {
        clearTimeout(timer);
        this.#endWait = undefined;
        resolve();
      };
    });
  }

  /** Returns how many of them are left for later. */
  async #carryOut(records: readonly DueSchedule[], now: number): Promise<number> {
    const pending = records.filter((record) => record.pending !== undefined);
    const ticks = records.filter((record) => record.pending === undefined);
    // All at once: what has to be asked of the broker for them goes in one call.
    const plans = await Promise.allSettled(
      ticks.map((record) => this.#plan(record, record.next?.dueAt ?? now, now)),
    );
    const planned: PlannedTick[] = [];
    let left = 0;
    for (const [index, plan] of plans.entries()) {
      if (plan.status === 'fulfilled') planned.push(plan.value);
      else if (isOutage(plan.reason)) throw plan.reason;
      else if (await this.#endure(ticks[index] as DueSchedule, plan.reason, now)) left++;
    }
    left += await this.#takeOver(pending, now);
    left += await this.#fire(planned, now);
    return left;
  }

  async #plan(record: DueSchedule, dueAt: number, now: number): Promise<PlannedTick> {
    const { signals } = this.#parts;
    const definition = this.#definitionOf(record);
    const plan = this.#occurrences.of(record, definition).plan(dueAt, now);
    const prepared =
      plan.run &&
      prepareTick(this.#preparer, this.#partitions, record.id, definition, plan.run.dueAt);
    const run = prepared && (await this.#runOf(record, definition, plan, prepared));
    const tick: Tick = {
      id: record.id,
      version: record.version,
      dueAt,
      next: plan.next,
      missed: plan.missed,
      run,
    };
    if (run && prepared) {
      if (signals.has('scheduleEntryDue')) {
        await signals.emit('scheduleEntryDue', {
          ...signalledTick(tick),
          task: prepared.signalled,
        });
      }
      if (signals.has('beforeTaskPublish')) {
        await signals.emit('beforeTaskPublish', { task: prepared.signalled });
      }
    }
    return { record, tick, prepared };
  }

  async #runOf(
    record: DueSchedule,
    definition: StoredDefinition,
    plan: TickPlan,
    { task }: PreparedTick,
  ): Promise<TickRun | undefined> {
    if (!plan.run) return undefined;
    const { dueAt, fireAt } = plan.run;
    return {
      dueAt,
      plannedAt: fireAt,
      // Where tick and task are no single step, a number keeps a repeated try from doubling the task.
      task: this.#parts.store.holdsTask(task.id)
        ? task
        : { ...task, sequence: { key: `${record.id}@${record.createdAt}`, number: dueAt } },
      unlessActive: definition.overlap === 'skip',
      previous: await this.#previousOf(record),
    };
  }

  async #previousOf({ lastTaskId }: DueSchedule): Promise<TickRun['previous']> {
    const { broker, store } = this.#parts;
    if (lastTaskId === undefined) return 'other';
    if (store.holdsTask(lastTaskId)) return 'ask';
    const state = (await broker.find(lastTaskId))?.state;
    if (state === undefined) return 'other';
    if (state === 'failed') return 'failed';
    return isTerminal(state) ? 'other' : 'active';
  }

  /** Carries ticks out. Returns how many are left for later. */
  async #fire(planned: readonly PlannedTick[], now: number): Promise<number> {
    if (planned.length === 0) return 0;
    let outcomes: TickOutcome[];
    try {
      outcomes = await this.#parts.store.fire(planned.map(({ tick }) => tick));
    } catch (error) {
      // Without room nothing can be carried out; to give a tick up for that would lose it.
      if (!(error instanceof BrokerCommandError) || error instanceof BrokerFullError) throw error;
      // One of them is refused (its queue's key may be of a foreign type); it must not stop the others.
      if (planned.length > 1) {
        let left = 0;
        for (const one of planned) left += await this.#fire([one], now);
        return left;
      }
      const { record } = planned[0] as PlannedTick;
      return (await this.#endure(record, error, now)) ? 1 : 0;
    }
    const lost = outcomes.filter(({ outcome }) => outcome === 'moved').length;
    this.#deferenceMs = 2 * lost > outcomes.length ? this.#ownDeferenceMs : 0;
    const pending = planned.filter((_, index) => outcomes[index]?.outcome === 'pending');
    const refused = await this.#handAll(
      pending.map(({ record, tick }) => ({ id: record.id, task: tick.run?.task as NewTask })),
    );
    for (const [index, one] of planned.entries()) {
      this.#patience.end(keyOf(one.record));
      const outcome = outcomes[index];
      if (outcome?.outcome !== 'enqueued' && outcome?.outcome !== 'pending') continue;
      if (!refused.has(one.tick.run?.task.id ?? '')) await this.#announce(one, outcome.driftMs);
    }
    return 0;
  }

  async #announce({ tick, prepared }: PlannedTick, driftMs: number): Promise<void> {
    const { signals, observers, onDispatched } = this.#parts;
    if (!prepared) return;
    const task = prepared.signalled;
    this.#status.dispatched();
    if (observers?.isActive) observers.enqueued(task);
    onDispatched?.(signalledTick(tick), task);
    if (signals.has('afterTaskPublish')) {
      await signals.emit('afterTaskPublish', { task, created: true });
    }
    if (signals.has('scheduleEntryDispatched')) {
      await signals.emit('scheduleEntryDispatched', { ...signalledTick(tick), task, driftMs });
    }
  }

  /**
   * Enqueues tasks that live elsewhere than their schedules.
   *
   * @returns the ids of those in whose place a unique one was there.
   */
  async #hand(tasks: readonly { id: string; task: NewTask }[]): Promise<ReadonlySet<string>> {
    const { broker, store } = this.#parts;
    const refused = new Set<string>();
    if (tasks.length === 0) return refused;
    const outcomes = await broker.enqueue(tasks.map(({ task }) => task));
    for (const [index, { task }] of tasks.entries()) {
      // Refused by its own id or number, it had been accepted before.
      if (outcomes[index]?.id !== task.id) refused.add(task.id);
    }
    await store.settle(
      tasks.map(({ id, task }) => ({ id, taskId: task.id, accepted: !refused.has(task.id) })),
    );
    return refused;
  }

  /** The same, but what the broker refuses to take does not stop the others; it stays pending. */
  async #handAll(tasks: readonly { id: string; task: NewTask }[]): Promise<ReadonlySet<string>> {
    try {
      return await this.#hand(tasks);
    } catch (error) {
      if (!(error instanceof BrokerCommandError)) throw error;
      const refused = new Set<string>();
      for (const one of tasks) {
        try {
          for (const id of await this.#hand([one])) refused.add(id);
        } catch (fault) {
          if (!(fault instanceof BrokerCommandError)) throw fault;
          refused.add(one.task.id);
        }
      }
      return refused;
    }
  }

  /** Enqueues what another Beat has left behind. Returns how many are left for later. */
  async #takeOver(records: readonly DueSchedule[], now: number): Promise<number> {
    let left = 0;
    for (const record of records) {
      try {
        const task = JSON.parse(record.pending ?? '') as NewTask;
        await this.#hand([{ id: record.id, task }]);
        this.#patience.end(keyOf(record));
      } catch (error) {
        if (!(error instanceof SyntaxError) && !(error instanceof BrokerCommandError)) throw error;
        left++;
        if (this.#patience.isNew(keyOf(record), now)) {
          this.#parts.log.error(
            `A task of schedule '${record.id}' cannot be enqueued: ${messageOf(error)}`,
          );
        }
      }
    }
    return left;
  }

  /**
   * A tick that cannot be carried out here: it is left to others for a while, then given up.
   *
   * @returns whether it is still there.
   */
  async #endure(record: DueSchedule, error: unknown, now: number): Promise<boolean> {
    if (!this.#patience.isOver(keyOf(record), now)) return true;
    await this.#fault(record, error, now);
    return false;
  }

  async #fault(record: DueSchedule, error: unknown, now: number): Promise<void> {
    const { store, log, signals } = this.#parts;
    const dueAt = record.next?.dueAt ?? 0;
    const message = messageOf(error).slice(0, 1_000);
    const fault = { id: record.id, version: record.version, dueAt, message };
    let outcome: 'noted' | 'moved';
    try {
      const plan = this.#occurrences.of(record, this.#definitionOf(record)).plan(dueAt, now);
      outcome = await store.fault({ ...fault, next: plan.next });
    } catch (computing) {
      if (computing instanceof BrokerCommandError) throw computing;
      // Not known when it is due next, it stays where it is, until a version that knows runs.
      outcome = await store.fault({ ...fault, next: undefined, retryInMs: UNCOMPUTABLE_RETRY_MS });
    }
    this.#patience.end(keyOf(record));
    if (outcome === 'moved') return;
    log.error(`Schedule '${record.id}' failed at its tick of ${isoOf(dueAt)}: ${message}`);
    if (signals.has('scheduleEntryFailed')) {
      const tick = { scheduleId: record.id, scheduledFor: new Date(dueAt) };
      await signals.emit('scheduleEntryFailed', { ...tick, error });
    }
  }

  #definitionOf(record: DueSchedule): StoredDefinition {
    return readDefinition(record.definition);
  }

  get #partitions(): number {
    return this.#parts.rules.partitions;
  }
}

/** Whether it is the broker that is away, rather than a tick that is at fault. */
function isOutage(error: unknown): boolean {
  return (
    error instanceof BrokerUnavailableError ||
    error instanceof BrokerTimeoutError ||
    error instanceof StemClosedError
  );
}

function keyOf({ id, version, next, pending }: DueSchedule): string {
  return `${next?.dueAt ?? ''}@${version}@${pending === undefined ? '' : 'pending'}@${id}`;
}

function signalledTick({ id, run, dueAt }: Tick): SignalledTick {
  return { scheduleId: id, scheduledFor: new Date(run?.dueAt ?? dueAt) };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function isoOf(ms: number): string {
  return new Date(ms).toISOString();
}
