import type { DeadLetterQuery } from '../broker.js';
import type { MemoryTask } from './memory-task.js';
import { TaskList } from './task-list.js';

/** Tasks that failed for good, per queue in the order of their deaths. */
export class DeadLetters {
  readonly #byQueue = new Map<string, TaskList<MemoryTask>>();
  /** Runs through all queues, so that listings can be merged. */
  #nextPlace = 0;

  add(task: MemoryTask): void {
    let list = this.#byQueue.get(task.queue);
    if (!list) this.#byQueue.set(task.queue, (list = new TaskList()));
    task.place = this.#nextPlace++;
    list.push(task);
  }

  remove(task: MemoryTask): void {
    this.#byQueue.get(task.queue)?.remove(task);
  }

  countOf(queue: string): number {
    return this.#byQueue.get(queue)?.size ?? 0;
  }

  list({ queue, limit, offset = 0, since, oldestFirst = false }: DeadLetterQuery): MemoryTask[] {
    const lists = queue === undefined ? [...this.#byQueue.values()] : [this.#byQueue.get(queue)];
    const found: MemoryTask[] = [];
    for (const list of lists) {
      let wanted = offset + limit;
      let task = oldestFirst ? list?.first : list?.last;
      for (; task && wanted > 0; task = oldestFirst ? task.next : task.previous) {
        if (since !== undefined && (task.finishedAt ?? 0) < since) continue;
        found.push(task);
        wanted--;
      }
    }
    found.sort((a, b) => (oldestFirst ? a.place - b.place : b.place - a.place));
    return found.slice(offset, offset + limit);
  }
}
