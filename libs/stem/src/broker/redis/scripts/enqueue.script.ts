import type { NewTask } from '../../broker.js';
import type { EnqueueOutcome } from '../../broker.js';
import type { ScriptArgument, ScriptCaller } from './script-caller.js';

/** `enqueue`: accepts all tasks, except those whose id or unique claim is taken. */
export async function enqueue(
  scripts: ScriptCaller,
  tasks: readonly NewTask[],
): Promise<EnqueueOutcome[]> {
  const queues = new Map<string, number>();
  for (const task of tasks) {
    if (!queues.has(task.queue)) queues.set(task.queue, queues.size);
  }
  const args: ScriptArgument[] = [queues.size, ...queues.keys()];
  for (const task of tasks) {
    const code = (queues.get(task.queue) as number) * 10 + task.priority;
    if (isPlain(task)) args.push(code, task.id, task.envelope);
    else {
      args.push(
        -code - 1,
        task.id,
        task.envelope,
        task.delayMs ?? '',
        task.dueAt ?? '',
        task.expiresInMs ?? '',
        task.expiresAt ?? '',
        task.unique?.key ?? '',
        task.unique?.forMs ?? '',
      );
    }
  }
  const refused = await scripts.call<(string | number)[]>('enqueue', args);
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

function isPlain(task: NewTask): boolean {
  return (
    task.delayMs === undefined &&
    task.dueAt === undefined &&
    task.unique === undefined &&
    task.expiresInMs === undefined &&
    task.expiresAt === undefined
  );
}
