import type { ScheduleRecord, ScheduleStore } from '../broker/schedule-store.js';
import { StemConfigError } from '../core/errors.js';
import type { JsonObject, JsonValue } from '../core/json.js';
import type { TaskState } from '../core/task-state.js';
import { requireCount } from '../core/task-options.js';
import {
  type MisfirePolicy,
  requireScheduleId,
  resolveDefinition,
  type ScheduleDefinition,
  type StoredDefinition,
} from '../schedule/definition.js';
import { Occurrences } from '../schedule/occurrences.js';
import { ScheduleError, ScheduleNotFoundError } from '../schedule/schedule-error.js';
import { describeSpec, publicSpec, type ScheduleSpec } from '../schedule/spec.js';
import type { EnqueueOptions } from './enqueue-options.js';
import { enqueueOptionsOf, prepareTick } from './scheduled-task.js';
import { definitionOf, isActive, type KnownSchedule, writeSchedule } from './schedule-writer.js';
import type { TaskHandle } from './task-handle.js';
import type { TaskPreparer } from './task-preparer.js';

/** What is known of a schedule. */
export interface Schedule {
  readonly id: string;
  /** Name of the task that each tick enqueues. */
  readonly task: string;
  readonly spec: ScheduleSpec;
  /** The spec for people: `0 2 * * * (Europe/Berlin)`, `every:5m`. */
  readonly description: string;
  /** Zone of a cron expression. */
  readonly timezone: string | undefined;
  readonly args: JsonValue | undefined;
  /** Absent: the task's own, and so for the next four. */
  readonly queue: string | undefined;
  readonly priority: number | undefined;
  readonly maxRetries: number | undefined;
  /** Milliseconds. */
  readonly expires: number | undefined;
  readonly headers: Readonly<Record<string, string>> | undefined;
  readonly meta: JsonObject | undefined;
  /** Milliseconds. */
  readonly jitter: number;
  readonly misfire: MisfirePolicy;
  /** Milliseconds. */
  readonly grace: number;
  readonly overlap: 'allow' | 'skip';
  readonly startAt: Date | undefined;
  readonly endAt: Date | undefined;
  /**
   * `active`; `paused`, by an operator or by `enabled: false`; `finished`: no tick is left; `failing`:
   * the last tick could not become a task, see `lastError`.
   */
  readonly state: 'active' | 'paused' | 'finished' | 'failing';
  /** Whether it is not paused. */
  readonly enabled: boolean;
  /** `code`: by a decorator, which deploys keep up to date; `operator`: by `upsert`. */
  readonly origin: 'code' | 'operator';
  /** The next tick, before jitter. */
  readonly nextRunAt: Date | undefined;
  /** When the last run was enqueued, and for which tick. */
  readonly lastRunAt: Date | undefined;
  readonly lastScheduledFor: Date | undefined;
  /** How much later than planned the last run was enqueued, in milliseconds. */
  readonly lastDriftMs: number | undefined;
  readonly lastTaskId: string | undefined;
  /** Absent when nothing is kept of that task any more. */
  readonly lastRunState: TaskState | undefined;
  /** Ticks that became a task. */
  readonly runs: number;
  /** Ticks that could not become a task, and runs that ended as failed. */
  readonly failures: number;
  /** Ticks left out because the run before was not over (`overlap: 'skip'`), or a unique task was there. */
  readonly skipped: number;
  /** Ticks that came too late and were given up, or were made up for by another one. */
  readonly missed: number;
  /** Why the last tick could not become a task; absent after one that could. */
  readonly lastError: { readonly message: string; readonly at: Date } | undefined;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** Options of {@link Schedules.preview}. */
export interface PreviewOptions {
  /** How many ticks, 1 to 1,000. Default 5. */
  readonly count?: number;
  /** Ticks after this time. Default: now. */
  readonly from?: Date;
  /** Zone of a cron expression that names none itself. Default `UTC`. */
  readonly timezone?: string;
}

/** What {@link Schedules} is made of. */
export interface SchedulesParts {
  /** Absent: the broker keeps no schedules, and no other place for them was given. */
  readonly store: ScheduleStore | undefined;
  readonly preparer: TaskPreparer;
  readonly partitions: number;
  readonly enqueue: (task: string, args: unknown, options: EnqueueOptions) => Promise<TaskHandle>;
  readonly stateOf: (taskId: string) => Promise<TaskState | undefined>;
}

const PAGE = 500;

/** Looks at schedules and governs them: `stem.schedules`. What is said here outlives every deploy. */
export class Schedules {
  readonly #parts: SchedulesParts;

  constructor(parts: SchedulesParts) {
    this.#parts = parts;
  }

  /** Every schedule, in the order of their ids. */
  async list(): Promise<Schedule[]> {
    const store = this.#store();
    const schedules: Schedule[] = [];
    for (let after: string | undefined; ;) {
      const records = await store.list({ after, limit: PAGE });
      schedules.push(...(await Promise.all(records.map((record) => this.#describe(record)))));
      after = records.at(-1)?.id;
      if (records.length < PAGE) return schedules;
    }
  }

  /** One schedule, or nothing when there is none of this id. */
  async get(id: string): Promise<Schedule | undefined> {
    const record = await this.#store().find(requireScheduleId(id));
    return record && this.#describe(record);
  }

  /**
   * Creates a schedule, or replaces its definition; its history stays, and a pause unless `enabled` is
   * given. One that was defined in the code becomes yours: deploys leave it alone from then on.
   *
   * @throws {ScheduleError} with the reason, when it could never work: an impossible spec, a zone that
   *   does not exist, an interval below one second, a time that has passed.
   * @throws {UnknownTaskError} when nothing in this application defines the task.
   * @throws {TaskArgsError} when its arguments, headers or meta cannot be sent.
   * @throws {EnqueueOptionError} naming another option at fault.
   */
  async upsert(definition: ScheduleDefinition): Promise<Schedule> {
    const store = this.#store();
    // Once before anything is asked of the store, so that a refusal does not depend on it.
    this.#check(definition, Date.now());
    const written = await writeSchedule(store, definition.id, (known, now) => ({
      definition: this.#check(definition, now),
      // Whoever says `enabled` has said what is to become of a pause.
      override:
        definition.enabled === undefined && known?.record.override === 'paused'
          ? 'paused'
          : undefined,
    }));
    return this.#describe((written as KnownSchedule).record);
  }

  /**
   * Removes a schedule with its history; tasks it has enqueued stay. One that is defined in the code
   * comes back with the next start of that code: pause it instead.
   *
   * @returns whether there was one.
   */
  async remove(id: string): Promise<boolean> {
    return this.#store().remove(requireScheduleId(id));
  }

  /**
   * Carries out no more ticks until {@link resume}, whatever deploys say.
   *
   * @throws {ScheduleNotFoundError}
   */
  pause(id: string): Promise<Schedule> {
    return this.#override(id, () => 'paused');
  }

  /**
   * Carries ticks out again, from now on: those of the pause are not made up for.
   *
   * @throws {ScheduleNotFoundError}
   */
  resume(id: string): Promise<Schedule> {
    return this.#override(id, ({ enabled }) => (enabled ? undefined : 'resumed'));
  }

  /**
   * The next ticks of a spec, or of a schedule by its id; jitter is left out.
   *
   * @throws {ScheduleError} with the reason, for a spec that cannot be.
   * @throws {ScheduleNotFoundError}
   */
  async preview(
    what: ScheduleSpec | { readonly id: string },
    { count = 5, from, timezone }: PreviewOptions = {},
  ): Promise<Date[]> {
    const start = from ?? new Date((await this.#parts.store?.now()) ?? Date.now());
    if (typeof what !== 'object' || what === null || !('id' in what)) {
      return previewSpec(what, { count, from: start, timezone });
    }
    return ticksOf(what.id, await this.#definitionOf(what.id), count, start);
  }

  /**
   * Enqueues the task of a schedule now, beside its ticks, which stay as they are. For `overlap: 'skip'`
   * it counts as the run before.
   *
   * @throws {ScheduleNotFoundError}
   */
  async runNow(id: string): Promise<TaskHandle> {
    const definition = await this.#definitionOf(id);
    const handle = await this.#parts.enqueue(
      definition.task,
      definition.args,
      enqueueOptionsOf(id, definition),
    );
    await this.#store().noteTask(id, handle.id);
    return handle;
  }

  #store(): ScheduleStore {
    const { store } = this.#parts;
    if (store) return store;
    throw new StemConfigError({
      option: 'scheduleStore',
      expected: 'to be given, since this broker keeps no schedules itself',
    });
  }

  #check(definition: ScheduleDefinition, now: number): StoredDefinition {
    const { preparer, partitions } = this.#parts;
    const resolved = resolveDefinition(definition, { now, origin: 'operator' });
    // By its name, as whoever fires it will know it.
    prepareTick(preparer, partitions, definition.id, resolved, now);
    return resolved;
  }

  async #override(
    id: string,
    decide: (definition: StoredDefinition) => 'paused' | 'resumed' | undefined,
  ): Promise<Schedule> {
    const written = await writeSchedule(this.#store(), requireScheduleId(id), (known) => {
      if (!known) throw new ScheduleNotFoundError(id);
      const { definition } = known;
      if (!definition) throw unreadable(id);
      return { definition, override: decide(definition) };
    });
    return this.#describe((written as KnownSchedule).record);
  }

  async #definitionOf(id: string): Promise<StoredDefinition> {
    const record = await this.#store().find(requireScheduleId(id));
    if (!record) throw new ScheduleNotFoundError(id);
    const definition = definitionOf(record);
    if (!definition) throw unreadable(id);
    return definition;
  }

  async #describe(record: ScheduleRecord): Promise<Schedule> {
    const { lastTaskId } = record;
    const lastRunState =
      lastTaskId === undefined ? undefined : await this.#parts.stateOf(lastTaskId);
    return describeSchedule(record, lastRunState);
  }
}

/**
 * The next ticks of a spec.
 *
 * @throws {ScheduleError} with the reason, for a spec that cannot be.
 */
export function previewSpec(
  spec: ScheduleSpec,
  options: {
    readonly count: number;
    readonly from: Date;
    readonly timezone?: string | undefined;
  },
): Date[] {
  const { count, from, timezone } = options;
  const id = 'preview';
  const definition = resolveDefinition(
    { id, task: id, spec, ...(timezone === undefined ? {} : { timezone }) },
    { now: from.getTime(), origin: 'operator' },
  );
  return ticksOf(id, definition, count, from);
}

function ticksOf(id: string, definition: StoredDefinition, count: number, from: Date): Date[] {
  requireCount(count, 'count', 1, 1_000);
  const occurrences = new Occurrences(id, definition);
  const ticks: Date[] = [];
  for (let after = from.getTime(); ticks.length < count;) {
    const next = occurrences.after(after);
    if (!next) break;
    ticks.push(new Date(next.dueAt));
    after = next.dueAt;
  }
  return ticks;
}

function unreadable(id: string): ScheduleError {
  return new ScheduleError(`The definition of schedule '${id}' cannot be read: upsert it anew.`, {
    scheduleId: id,
  });
}

function describeSchedule(record: ScheduleRecord, lastRunState: TaskState | undefined): Schedule {
  const definition = definitionOf(record);
  const date = (ms: number | undefined): Date | undefined =>
    ms === undefined ? undefined : new Date(ms);
  const { error, next, override } = record;
  const spec = definition?.spec;
  const enabled = isActive(definition?.enabled ?? true, override);
  return {
    id: record.id,
    task: definition?.task ?? '(unreadable)',
    spec: spec ? publicSpec(spec) : '(unreadable)',
    description: definition?.description ?? (spec ? describeSpec(spec) : '(unreadable)'),
    timezone: spec?.kind === 'cron' ? spec.timezone : undefined,
    args: definition?.args,
    queue: definition?.queue,
    priority: definition?.priority,
    maxRetries: definition?.maxRetries,
    expires: definition?.expiresMs,
    headers: definition?.headers,
    meta: definition?.meta,
    jitter: definition?.jitterMs ?? 0,
    misfire: definition?.misfire ?? 'once',
    grace: definition?.graceMs ?? 0,
    overlap: definition?.overlap ?? 'allow',
    startAt: date(definition?.startAt),
    endAt: date(definition?.endAt),
    state: !enabled ? 'paused' : error ? 'failing' : next ? 'active' : 'finished',
    enabled,
    origin: definition?.origin ?? 'operator',
    nextRunAt: date(next?.dueAt),
    lastRunAt: date(record.lastFiredAt),
    lastScheduledFor: date(record.lastDueAt),
    lastDriftMs: record.lastDriftMs,
    lastTaskId: record.lastTaskId,
    lastRunState,
    runs: record.runs,
    // The last run is counted by the tick after it; until then it is looked at here.
    failures: record.failures + (lastRunState === 'failed' ? 1 : 0),
    skipped: record.skipped,
    missed: record.missed,
    lastError: error && { message: error.message, at: new Date(error.at) },
    createdAt: new Date(record.createdAt),
    updatedAt: new Date(record.updatedAt),
  };
}
