import type { ScheduleStore } from '../broker/schedule-store.js';
import { prepareTick } from '../client/scheduled-task.js';
import { definitionOf, writeSchedule } from '../client/schedule-writer.js';
import { type PreparationRules, TaskPreparer } from '../client/task-preparer.js';
import { StemError } from '../core/errors.js';
import type { TaskLogger } from '../core/task-context.js';
import type { TaskRegistry } from '../core/task-registry.js';
import {
  resolveDefinition,
  type ScheduleDefinition,
  type StoredDefinition,
} from '../schedule/definition.js';
import { ScheduleError } from '../schedule/schedule-error.js';

/** A schedule that is written in an application's code. */
export interface CodeSchedule {
  readonly definition: ScheduleDefinition;
  /** Where, for errors: `@Schedule on Maintenance.cleanup in AppModule`. */
  readonly place: string;
}

const PAGE = 500;

/**
 * Checks the schedules of an application's code, before anything is stored.
 *
 * @throws {ScheduleError} naming the place and the reason.
 */
export function checkCodeSchedules(
  schedules: readonly CodeSchedule[],
  registry: TaskRegistry,
  rules: PreparationRules,
): void {
  const preparer = new TaskPreparer(registry, rules, () => 'unused');
  const places = new Map<string, string>();
  for (const { definition, place } of schedules) {
    try {
      const now = Date.now();
      const resolved = resolveDefinition(definition, { now, origin: 'code' });
      prepareTick(preparer, rules.partitions, definition.id, resolved, now);
    } catch (error) {
      if (!(error instanceof StemError)) throw error;
      throw new ScheduleError(`${place}: ${error.message}`, {
        scheduleId: definition.id,
        cause: error,
      });
    }
    const other = places.get(definition.id);
    if (other !== undefined) {
      throw new ScheduleError(
        `The schedule '${definition.id}' is declared twice: by ${other} and by ${place}. Give one of ` +
          'them an `id` of its own.',
        { scheduleId: definition.id },
      );
    }
    places.set(definition.id, place);
  }
}

/**
 * Brings the stored schedules in line with an application's code, once, when it starts.
 *
 * - What is declared is stored; history and an operator's pause stay, and so does the next tick unless
 *   the change is about it. Of two deploys with different specs the one that started last wins: both say
 *   so only once, when they start, so they do not take turns.
 * - What this application (by `owner`) has declared before, and does not any more, is removed; but not by
 *   a process that handles no task, such as one that only enqueues.
 * - What an operator has made, or made theirs by `upsert`, is left alone.
 */
export async function declareCodeSchedules(
  schedules: readonly CodeSchedule[],
  parts: {
    readonly store: ScheduleStore;
    readonly owner: string;
    readonly handlesTasks: boolean;
    readonly log: TaskLogger;
  },
): Promise<void> {
  const { store, owner, handlesTasks, log } = parts;
  for (const { definition, place } of schedules) {
    await writeSchedule(store, definition.id, (known, now) => {
      if (known?.definition?.origin === 'operator') {
        log.warn(
          `${place} is not in effect: the schedule '${definition.id}' was made by an operator. Remove ` +
            'that one, or give this one another id.',
        );
        return undefined;
      }
      const resolved = resolveDefinition(definition, { now, origin: 'code', owner });
      if (known?.definition && saysTheSame(known.definition, resolved)) return undefined;
      return { definition: resolved, override: known?.record.override };
    });
  }
  if (handlesTasks) await removeUndeclared(schedules, store, owner, log);
}

async function removeUndeclared(
  schedules: readonly CodeSchedule[],
  store: ScheduleStore,
  owner: string,
  log: TaskLogger,
): Promise<void> {
  const declared = new Set(schedules.map(({ definition }) => definition.id));
  for (let after: string | undefined; ;) {
    const records = await store.list({ after, limit: PAGE });
    for (const record of records) {
      const definition = definitionOf(record);
      if (definition?.origin !== 'code' || definition.owner !== owner) continue;
      if (declared.has(record.id)) continue;
      if (await store.remove(record.id, record.version)) {
        log.log(`Removed the schedule '${record.id}': the code does not declare it any more.`);
      }
    }
    after = records.at(-1)?.id;
    if (records.length < PAGE) return;
  }
}

/** Where intervals count from differs with each start, and says nothing about the code. */
function saysTheSame(one: StoredDefinition, other: StoredDefinition): boolean {
  const text = (definition: StoredDefinition): string =>
    JSON.stringify(sorted({ ...definition, anchor: definition.startAt ?? 0 }));
  return text(one) === text(other);
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  if (typeof (value as { toJSON?: unknown }).toJSON === 'function') return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, member]) => [key, sorted(member)]),
  );
}
