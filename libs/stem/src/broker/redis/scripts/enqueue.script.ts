import type { NewTask } from '../../broker.js';
import type { EnqueueOutcome } from '../../broker.js';
import type { ScriptArgument, ScriptCaller } from './script-caller.js';

/** Calls for more tasks take too long to be waited for awake. */
const FEW = 10;

/** `enqueue`: accepts all tasks, except those whose id or unique claim is taken. */
export async function enqueue(
  scripts: ScriptCaller,
  tasks: readonly NewTask[],
): Promise<EnqueueOutcome[]> {
  const [first] = tasks;
  const args =
    first !== undefined && tasks.length === 1 && isPlain(first)
      ? ['', first.queue, first.priority, first.id, first.envelope]
      : encodeRuns(tasks);
  const answer = await scripts.call<(string | number)[]>('enqueue', args, {
    isAwaited: tasks.length <= FEW,
  });
  return decodeOutcomes(tasks, answer);
}

/** Tasks as `include/accept_runs.lua` takes them. */
export function encodeRuns(tasks: readonly NewTask[]): ScriptArgument[] {
  const runs = runsOf(tasks);
  const queues = new Map<string, number>();
  for (const { queue } of runs) {
    if (!queues.has(queue)) queues.set(queue, queues.size);
  }
  const args: ScriptArgument[] = [queues.size, ...queues.keys()];
  for (const { kind, queue, priority, idLength, from, to } of runs) {
    args.push(kind, (queues.get(queue) as number) * 10 + priority, to - from);
    if (kind === 'new') args.push(idLength);
    for (let i = from; i < to; i++) {
      const task = tasks[i] as NewTask;
      if (kind !== 'new') args.push(task.id);
      args.push(task.envelope);
      if (kind === 'special') args.push(...specialsOf(task));
    }
  }
  return args;
}

/** Tasks of one kind and place that follow each other; they are announced once. */
interface Run {
  readonly kind: 'new' | 'plain' | 'special';
  readonly queue: string;
  readonly priority: number;
  readonly idLength: number;
  /** Index of the first of them. */
  readonly from: number;
  /** Index after the last of them. */
  to: number;
}

function runsOf(tasks: readonly NewTask[]): Run[] {
  const runs: Run[] = [];
  let run: Run | undefined;
  for (let i = 0; i < tasks.length; i++) {
    const task = tasks[i] as NewTask;
    const kind = kindOf(task);
    if (run === undefined || kind !== run.kind || !isAlike(task, run)) {
      const { queue, priority, id } = task;
      runs.push((run = { kind, queue, priority, idLength: id.length, from: i, to: i }));
    }
    run.to++;
  }
  return runs;
}

function kindOf(task: NewTask): Run['kind'] {
  if (!isPlain(task)) return 'special';
  // The script takes a new id from the envelope.
  return task.idIsNew ? 'new' : 'plain';
}

function isAlike(task: NewTask, { kind, queue, priority, idLength }: Run): boolean {
  if (task.queue !== queue || task.priority !== priority) return false;
  return kind !== 'new' || task.id.length === idLength;
}

function specialsOf(task: NewTask): ScriptArgument[] {
  return [
    task.delayMs ?? '',
    task.dueAt ?? '',
    task.expiresInMs ?? '',
    task.expiresAt ?? '',
    task.unique?.key ?? '',
    task.unique?.forMs ?? '',
    task.sequence?.key ?? '',
    task.sequence?.number ?? '',
  ];
}

/** What became of each task, from what `include/accept_runs.lua` says of those that were refused. */
export function decodeOutcomes(
  tasks: readonly NewTask[],
  refused: readonly (string | number)[],
): EnqueueOutcome[] {
  const outcomes = tasks.map((task): EnqueueOutcome => ({ id: task.id, created: true }));
  for (let i = 0; i < refused.length; i += 2) {
    const index = Number(refused[i]);
    const holder = String(refused[i + 1]);
    const { id, idIsNew } = tasks[index] as NewTask;
    // Taken by an earlier try of this very call, whose answer was lost.
    if (holder === id && idIsNew) continue;
    outcomes[index] = { id: holder, created: false };
  }
  return outcomes;
}

/** Whether a task is nothing but ready now. */
export function isPlain(task: NewTask): boolean {
  return (
    task.delayMs === undefined &&
    task.dueAt === undefined &&
    task.unique === undefined &&
    task.expiresInMs === undefined &&
    task.expiresAt === undefined &&
    task.sequence === undefined
  );
}
