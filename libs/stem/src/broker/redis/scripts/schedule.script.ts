import type {
  DueSchedule,
  DueSchedules,
  ScheduleChange,
  ScheduleRecord,
  SettledTick,
  Tick,
  TickFault,
  TickOutcome,
} from '../../schedule-store.js';
import type { ScriptArgument, ScriptCaller } from './script-caller.js';

type Fields = readonly string[];

/** Creates or replaces a schedule. */
export function putSchedule(
  scripts: ScriptCaller,
  { id, version, definition, override, next }: ScheduleChange,
): Promise<'stored' | 'conflict'> {
  const tick = next === 'keep' ? undefined : next;
  return scripts.call('schedule-put', [
    id,
    version,
    definition,
    override === undefined ? '' : override === 'paused' ? 'p' : 'r',
    next === 'keep' ? '1' : '0',
    tick?.dueAt ?? '',
    tick?.fireAt ?? '',
  ]);
}

export async function removeSchedule(
  scripts: ScriptCaller,
  id: string,
  version: number | undefined,
): Promise<boolean> {
  return (await scripts.call<number>('schedule-remove', [id, version ?? ''])) === 1;
}

/** Schedules by id, or a page of all, with the server's time. */
export async function findSchedules(
  scripts: ScriptCaller,
  which: { ids: readonly string[] } | { after: string | undefined; limit: number },
): Promise<{ now: number; records: ScheduleRecord[] }> {
  const args = 'ids' in which ? ['ids', ...which.ids] : ['page', which.after ?? '', which.limit];
  const [now, ...found] = await scripts.call<[number, ...(string | Fields)[]]>(
    'schedule-find',
    args,
  );
  return { now, records: recordsOf(found) };
}

export async function dueSchedules(
  scripts: ScriptCaller,
  page: { offset: number; limit: number },
): Promise<DueSchedules> {
  const [now, nextAt, ...found] = await scripts.call<[number, ...string[]]>('schedule-due', [
    page.offset,
    page.limit,
  ]);
  const records: DueSchedule[] = [];
  for (let i = 0; i < found.length; i += 8) {
    const [id = '', definition = '', version, due, fireAt, created, lastTaskId, pending] =
      found.slice(i, i + 8);
    const dueAt = numberOf(due);
    records.push({
      id,
      definition,
      version: numberOf(version) ?? 0,
      next: dueAt === undefined ? undefined : { dueAt, fireAt: numberOf(fireAt) ?? dueAt },
      createdAt: numberOf(created) ?? 0,
      lastTaskId: lastTaskId || undefined,
      pending: pending || undefined,
    });
  }
  return { now, nextAt: numberOf(nextAt), records };
}

/**
 * Carries out ticks.
 *
 * @param livesHere whether a task is enqueued in the same step.
 */
export async function fireTicks(
  scripts: ScriptCaller,
  ticks: readonly Tick[],
  livesHere: (taskId: string) => boolean,
): Promise<TickOutcome[]> {
  const queues = new Map<string, number>();
  for (const { run } of ticks) {
    if (run && !queues.has(run.task.queue)) queues.set(run.task.queue, queues.size);
  }
  const args: ScriptArgument[] = [queues.size, ...queues.keys()];
  for (const { id, version, dueAt, next, missed, run } of ticks) {
    args.push(id, version, dueAt, next?.dueAt ?? '', next?.fireAt ?? '', missed, run?.dueAt ?? '');
    if (!run) continue;
    const { task } = run;
    const here = livesHere(task.id);
    args.push(
      run.plannedAt,
      run.unlessActive ? '1' : '0',
      run.previous,
      here ? '' : JSON.stringify(task),
      here ? (queues.get(task.queue) as number) * 10 + task.priority : '',
      task.id,
      here ? task.envelope : '',
      task.expiresInMs ?? '',
      task.expiresAt ?? '',
      task.unique?.key ?? '',
      task.unique?.forMs ?? '',
    );
  }
  const reply = await scripts.call<(string | number)[]>('fire', args);
  return ticks.map((_, index) => outcomeOf(reply[2 * index], reply[2 * index + 1]));
}

/** Takes note of what became of pending tasks. */
export async function settleTicks(
  scripts: ScriptCaller,
  settled: readonly SettledTick[],
): Promise<void> {
  const args = settled.flatMap(({ id, taskId, accepted }) => [id, taskId, accepted ? '1' : '0']);
  await scripts.call('schedule-settle', args);
}

export function faultTick(
  scripts: ScriptCaller,
  { id, version, dueAt, message, next, retryInMs }: TickFault,
): Promise<'noted' | 'moved'> {
  return scripts.call('schedule-fault', [
    id,
    version,
    dueAt,
    message,
    retryInMs ?? '',
    next?.dueAt ?? '',
    next?.fireAt ?? '',
  ]);
}

/** Takes note of a task that was enqueued on behalf of a schedule, but not by a tick. */
export async function noteTask(scripts: ScriptCaller, id: string, taskId: string): Promise<void> {
  await scripts.call('schedule-note', [id, taskId]);
}

function outcomeOf(
  outcome: string | number | undefined,
  detail: string | number | undefined,
): TickOutcome {
  switch (outcome) {
    case 'enqueued':
    case 'pending':
      return { outcome, driftMs: Number(detail) };
    case 'overlap':
    case 'unique':
      return { outcome: 'skipped', because: outcome, taskId: String(detail) };
    case 'missed':
      return { outcome: 'skipped', because: 'missed', taskId: undefined };
    default:
      return { outcome: 'moved' };
  }
}

function recordsOf(found: readonly (string | Fields)[]): ScheduleRecord[] {
  const records: ScheduleRecord[] = [];
  for (let i = 0; i + 1 < found.length; i += 2) {
    records.push(recordOf(found[i] as string, found[i + 1] as Fields));
  }
  return records;
}

function recordOf(id: string, fields: Fields): ScheduleRecord {
  const values = new Map<string, string>();
  for (let i = 0; i + 1 < fields.length; i += 2) values.set(fields[i] ?? '', fields[i + 1] ?? '');
  const time = (name: string): number | undefined => numberOf(values.get(name));
  const count = (name: string): number => time(name) ?? 0;
  const dueAt = time('due');
  const override = values.get('override');
  const error = values.get('error');
  return {
    id,
    definition: values.get('def') ?? '',
    version: count('v'),
    override: override === 'p' ? 'paused' : override === 'r' ? 'resumed' : undefined,
    next: dueAt === undefined ? undefined : { dueAt, fireAt: time('at') ?? dueAt },
    createdAt: count('created'),
    updatedAt: count('updated'),
    runs: count('runs'),
    failures: count('failures'),
    skipped: count('skipped'),
    missed: count('missed'),
    lastDueAt: time('last'),
    lastFiredAt: time('fired'),
    lastDriftMs: time('drift'),
    lastTaskId: values.get('task'),
    error: error === undefined ? undefined : { message: error, at: count('failed') },
    pending: values.get('pending'),
  };
}

function numberOf(text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined;
  const number = Number(text);
  return Number.isFinite(number) ? number : undefined;
}
