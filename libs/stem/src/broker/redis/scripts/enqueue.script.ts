import type { NewTask } from '../../broker.js';
import type { EnqueueOutcome } from '../../broker.js';
import type { ScriptArgument, ScriptCaller } from './script-caller.js';

/** `enqueue`: accepts all tasks, except those whose id or unique claim is taken. */
export async function enqueue(
  scripts: ScriptCaller,
  tasks: readonly NewTask[],
): Promise<EnqueueOutcome[]> {
  const refused = await scripts.call<(string | number)[]>('enqueue', encodeRuns(tasks));
  return decodeOutcomes(tasks, refused);
}

/** Tasks as `include/accept_runs.lua` takes them. */
export function encodeRuns(tasks: readonly NewTask[]): ScriptArgument[] {
  const queues = new Map<string, number>();
  for (const task of tasks) {
    if (!queues.has(task.queue)) queues.set(task.queue, queues.size);
  }
  const args: ScriptArgument[] = [queues.size, ...queues.keys()];
  // Tasks of one kind that follow each other make a run, which is announced once.
  let runCode: number | undefined;
  let countAt = 0;
  for (const task of tasks) {
    const plain = isPlain(task);
    const place = (queues.get(task.queue) as number) * 10 + task.priority;
    const code = plain ? place : -place - 1;
    if (code !== runCode) {
      runCode = code;
      countAt = args.push(code, 0) - 1;
    }
    args[countAt] = (args[countAt] as number) + 1;
    args.push(task.id, task.envelope);
    if (!plain) {
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
