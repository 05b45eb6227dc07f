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
  const queues = new Map<string, number>();
  for (const task of tasks) {
    if (!queues.has(task.queue)) queues.set(task.queue, queues.size);
  }
  const args: ScriptArgument[] = [queues.size, ...queues.keys()];
  // Tasks of one kind that follow each other make a run, which is announced once.
  let run: Run | undefined;
  let countAt = 0;
  for (const task of tasks) {
    const kind = kindOf(task);
    const code = (queues.get(task.queue) as number) * 10 + task.priority;
    const isSame =
      run?.kind === kind &&
      run.code === code &&
      (kind !== 'new' || run.idLength === task.id.length);
    if (!isSame) {
      run = { kind, code, idLength: task.id.length };
      countAt = args.push(kind, code, 0) - 1;
      if (kind === 'new') args.push(run.idLength);
    }
    args[countAt] = (args[countAt] as number) + 1;
    if (kind === 'new') {
      args.push(task.envelope);
      continue;
    }
    args.push(task.id, task.envelope);
    if (kind === 'special') {
      args.push(
        task.delayMs ?? '',
        task.dueAt ?? '',
        task.expiresInMs ?? '',
        task.expiresAt ?? '',
        task.unique?.key ?? '',
        task.unique?.forMs ?? '',
        task.sequence?.key ?? '',
        task.sequence?.number ?? '',
      );
    }
  }
  return args;
}

/** Tasks that follow each other and have this in common. */
interface Run {
  readonly kind: 'new' | 'plain' | 'special';
  readonly code: number;
  readonly idLength: number;
}

function kindOf(task: NewTask): Run['kind'] {
  if (!isPlain(task)) return 'special';
  // The script takes a new id from the envelope.
  return task.idIsNew ? 'new' : 'plain';
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
