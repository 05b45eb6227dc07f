import { isTerminal } from '../../core/task-state.js';
import type { MemoryTask } from './memory-task.js';

/** Who holds which unique key. */
export class UniqueClaims {
  readonly #claims = new Map<string, { readonly task: MemoryTask; readonly until: number }>();

  /** The task that stands in the way of another with this key, if any. */
  holderOf(key: string, now: number): MemoryTask | undefined {
    const claim = this.#claims.get(key);
    return claim && claim.until > now && !isTerminal(claim.task.state) ? claim.task : undefined;
  }

  /** Gives a task the key it asks for, whoever had it before. */
  take(task: MemoryTask, now: number): void {
    const { unique } = task;
    if (!unique) return;
    const until = unique.forMs === undefined ? Infinity : now + unique.forMs;
    this.#claims.set(unique.key, { task, until });
  }

  /** Frees the key of a task, unless another one has taken it over. */
  release(task: MemoryTask): void {
    if (task.unique && this.#claims.get(task.unique.key)?.task === task) {
      this.#claims.delete(task.unique.key);
    }
  }
}
