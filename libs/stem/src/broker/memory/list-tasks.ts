import type { TaskQuery } from '../broker.js';
import type { MemoryTask } from './memory-task.js';

/** Tasks that match, the latest first; see `Broker.listTasks`. It sees all of them. */
export function listTasks(tasks: Iterable<MemoryTask>, query: TaskQuery): MemoryTask[] {
  const { state, queue, name, limit, offset = 0 } = query;
  const found: MemoryTask[] = [];
  for (const task of tasks) {
    if (state !== undefined && task.state !== state) continue;
    if (queue !== undefined && task.queue !== queue) continue;
    if (name !== undefined && nameOf(task) !== name) continue;
    found.push(task);
  }
  return found
    .map((task) => ({ task, at: timeOf(task) }))
    .sort((a, b) => b.at - a.at || b.task.place - a.task.place)
    .slice(offset, offset + limit)
    .map(({ task }) => task);
}

function timeOf({ finishedAt, dueTimer, readyAt }: MemoryTask): number {
  return finishedAt ?? dueTimer?.at ?? readyAt;
}

function nameOf(task: MemoryTask): string | undefined {
  const envelope = task.readEnvelope();
  return 'corrupt' in envelope ? undefined : envelope.name;
}
