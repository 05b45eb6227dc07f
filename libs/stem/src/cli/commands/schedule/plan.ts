import { readFile } from 'node:fs/promises';
import type { Schedule } from '../../../client/schedules.js';
import {
  resolveDefinition,
  type ScheduleDefinition,
  type StoredDefinition,
} from '../../../schedule/definition.js';
import { describeSpec, publicSpec } from '../../../schedule/spec.js';
import { usageError } from '../../framework/cli-error.js';

/** What is to become of one schedule. */
export interface Change {
  readonly id: string;
  readonly action: 'create' | 'update' | 'remove' | 'keep';
  /** Of an update: what changes. */
  readonly fields: readonly {
    readonly field: string;
    readonly from: unknown;
    readonly to: unknown;
  }[];
  readonly definition: ScheduleDefinition | undefined;
}

/**
 * Reads schedules from a file of YAML or JSON: a list of definitions, or an object with `schedules`, a
 * list or definitions by id.
 */
export async function readSchedules(file: string): Promise<ScheduleDefinition[]> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    throw usageError(
      `${file} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`,
    );
  }
  const { parse } = await import('../../vendor/yaml.cjs');
  let content: unknown;
  try {
    content = parse(text);
  } catch (cause) {
    throw usageError(
      `${file} is no YAML or JSON: ${cause instanceof Error ? cause.message : String(cause)}`,
    );
  }
  const listed = isRecord(content) && 'schedules' in content ? content['schedules'] : content;
  const entries = Array.isArray(listed)
    ? (listed as unknown[])
    : isRecord(listed)
      ? Object.entries(listed).map(([id, rest]) => (isRecord(rest) ? { id, ...rest } : rest))
      : undefined;
  if (!entries?.every(isRecord)) {
    throw usageError(
      `${file} holds no schedules: expected a list of { id, task, spec, … }, or \`schedules:\` with such a list.`,
    );
  }
  const definitions = entries as unknown as ScheduleDefinition[];
  const twice = definitions.find(
    ({ id }, at) => definitions.findIndex((each) => each.id === id) < at,
  );
  if (twice) throw usageError(`${file} has the schedule '${twice.id}' twice.`);
  return definitions;
}

/** What has to be done so that schedules become as they are wanted; every definition is checked. */
export function planChanges(
  wanted: readonly ScheduleDefinition[],
  present: readonly Schedule[],
  prune: boolean,
): Change[] {
  const now = Date.now();
  const known = new Map(present.map((schedule) => [schedule.id, schedule]));
  const changes = wanted.map((definition): Change => {
    const to = fieldsOf(resolveDefinition(definition, { now, origin: 'operator' }));
    const schedule = known.get(definition.id);
    if (!schedule) return { id: definition.id, action: 'create', fields: [], definition };
    const from = fieldsOfSchedule(schedule);
    // A pause is an operator's word: a file that does not speak of it leaves it.
    if (definition.enabled === undefined) delete to['enabled'];
    const fields = Object.keys(to)
      .filter((field) => JSON.stringify(from[field]) !== JSON.stringify(to[field]))
      .map((field) => ({ field, from: from[field] ?? null, to: to[field] ?? null }));
    const action = fields.length === 0 ? 'keep' : 'update';
    return { id: definition.id, action, fields, definition };
  });
  if (!prune) return changes;
  const ids = new Set(wanted.map(({ id }) => id));
  const removals = present
    .filter(({ id, origin }) => origin === 'operator' && !ids.has(id))
    .map(({ id }): Change => ({ id, action: 'remove', fields: [], definition: undefined }));
  return [...changes, ...removals];
}

type Fields = Record<string, unknown>;

function fieldsOf(stored: StoredDefinition): Fields {
  const { spec, startAt, endAt } = stored;
  return {
    task: stored.task,
    spec: publicSpec(spec),
    timezone: spec.kind === 'cron' ? spec.timezone : undefined,
    args: stored.args ?? {},
    queue: stored.queue,
    priority: stored.priority,
    maxRetries: stored.maxRetries,
    expires: stored.expiresMs,
    headers: stored.headers,
    meta: stored.meta,
    jitter: stored.jitterMs,
    misfire: stored.misfire,
    grace: stored.graceMs,
    overlap: stored.overlap,
    enabled: stored.enabled,
    startAt: startAt === undefined ? undefined : new Date(startAt),
    endAt: endAt === undefined ? undefined : new Date(endAt),
    description: stored.description ?? describeSpec(spec),
    origin: 'operator',
  };
}

function fieldsOfSchedule(schedule: Schedule): Fields {
  return { ...schedule, args: schedule.args ?? {} };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
