import type { CancelRequest } from '../broker.js';
import type { Holder, MemoryTask } from './memory-task.js';
import { TaskList } from './task-list.js';

/** One consumer's hold on its tasks. Until it is reclaimed or given up it holds, expired or not. */
export class Lease implements Holder {
  readonly held = new TaskList<MemoryTask>();
  /** Taken away or given up; never comes back. */
  lost = false;
  expiresAt: number;

  constructor(
    readonly id: string,
    readonly leaseMs: number,
    now: number,
    readonly onCancelRequested: ((id: string, request: CancelRequest) => void) | undefined,
    /** Told when it is taken away. */
    readonly onLost: () => void,
  ) {
    this.expiresAt = now + leaseMs;
  }
}
