import type {
  Occurrence,
  ScheduleOverride,
  ScheduleRecord,
  ScheduleStore,
} from '../broker/schedule-store.js';
import { readDefinition, sameTiming, type StoredDefinition } from '../schedule/definition.js';
import { Occurrences } from '../schedule/occurrences.js';
import { ScheduleError } from '../schedule/schedule-error.js';

/** A schedule as it was found; without definition when that cannot be read. */
export interface KnownSchedule {
  readonly record: ScheduleRecord;
  readonly definition: StoredDefinition | undefined;
}

/** What a schedule is to be. */
export interface WantedSchedule {
  readonly definition: StoredDefinition;
  readonly override: ScheduleOverride | undefined;
}

/** Somebody else would have to change the schedule at every try. */
const MAX_TRIES = 20;

/**
 * Changes a schedule, in one step against whoever else does.
 *
 * What is due next stays as it is unless the change is about that: another spec, jitter, start or end, a
 * pause or its end. Then it is computed from now on, so that a schedule never makes up for the time before.
 *
 * @param decide is asked again when somebody else was faster; nothing leaves the schedule alone.
 * @returns the schedule as it is then; nothing when it does not exist and was left alone.
 * @throws {ScheduleError} when a new schedule of an operator would never be due.
 */
export async function writeSchedule(
  store: ScheduleStore,
  id: string,
  decide: (known: KnownSchedule | undefined, now: number) => WantedSchedule | undefined,
): Promise<KnownSchedule | undefined> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const [record, now] = await Promise.all([store.find(id), store.now()]);
    const known = record && { record, definition: definitionOf(record) };
    const wanted = decide(known, now);
    if (!wanted) return known;
    const { definition, next } = follow(id, known, wanted, now);
    const outcome = await store.put({
      id,
      version: record?.version ?? 0,
      definition: JSON.stringify(definition),
      override: wanted.override,
      next,
    });
    if (outcome === 'conflict') continue;
    const stored = await store.find(id);
    // Removed at once by somebody else: still what the caller did.
    return { definition, record: stored ?? asPut(id, definition, next, now) };
  }
  throw new ScheduleError(
    `The schedule '${id}' could not be changed: it was changed by others ${MAX_TRIES} times meanwhile.`,
    { scheduleId: id },
  );
}

/** The definition of a record; nothing when it cannot be read. */
export function definitionOf(record: ScheduleRecord): StoredDefinition | undefined {
  try {
    return readDefinition(record.definition);
  } catch {
    return undefined;
  }
}

/** Whether ticks are carried out: an operator's word counts more than the definition's. */
export function isActive(enabled: boolean, override: ScheduleOverride | undefined): boolean {
  return override === undefined ? enabled : override === 'resumed';
}

function follow(
  id: string,
  known: KnownSchedule | undefined,
  { definition, override }: WantedSchedule,
  now: number,
): { definition: StoredDefinition; next: Occurrence | 'keep' | undefined } {
  const before = known?.definition;
  const same = before !== undefined && sameTiming(before, definition);
  const aligned = same ? { ...definition, anchor: before.anchor } : definition;
  if (!isActive(definition.enabled, override)) return { definition: aligned, next: undefined };
  if (same && isActive(before.enabled, known?.record.override)) {
    return { definition: aligned, next: 'keep' };
  }
  // A tick of the old spec may have been carried out at a time that is still to come by our clock's word.
  const from = Math.max(startOf(aligned, now), known?.record.lastDueAt ?? 0);
  const next = new Occurrences(id, aligned).after(from);
  if (!next && definition.origin === 'operator' && !same) {
    throw new ScheduleError(
      `The schedule '${id}' would never be due: ` +
        (definition.spec.kind === 'at'
          ? `its time, ${new Date(definition.spec.at).toISOString()}, has passed.`
          : 'no tick is left before its endAt.'),
      { scheduleId: id },
    );
  }
  return { definition: aligned, next };
}

/** A single time that has just passed is late, not over. */
function startOf({ spec, graceMs }: StoredDefinition, now: number): number {
  return spec.kind === 'at' ? now - graceMs - 1 : now;
}

function asPut(
  id: string,
  definition: StoredDefinition,
  next: Occurrence | 'keep' | undefined,
  now: number,
): ScheduleRecord {
  return {
    id,
    definition: JSON.stringify(definition),
    version: 1,
    override: undefined,
    next: next === 'keep' ? undefined : next,
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
  };
}
