import type { Envelope } from '../../core/envelope.js';
import type { Delivery } from '../broker.js';
import type { MemoryTask } from './memory-task.js';

/** One hand-out. It knows its task, out of sight of whoever prints or compares it. */
export class MemoryDelivery implements Delivery {
  readonly envelope: Envelope;
  readonly queue: string;
  readonly priority: number;
  readonly attempt: number;
  readonly deliveries: number;
  readonly replays: number;
  readonly enqueuedAt: number;
  readonly admitted: boolean;
  readonly readyAt: number | undefined;
  readonly #task: MemoryTask;

  constructor(task: MemoryTask, envelope: Envelope) {
    this.envelope = envelope;
    this.queue = task.queue;
    this.priority = task.priority;
    this.attempt = task.attempt;
    this.deliveries = task.deliveries;
    this.replays = task.replays;
    this.enqueuedAt = task.enqueuedAt;
    this.admitted = task.admitted;
    this.readyAt = task.readyAt;
    this.#task = task;
  }

  /** The task that `delivery` hands out now; nothing once it was settled or taken away. */
  static currentTask(delivery: Delivery): MemoryTask | undefined {
    if (!(#task in delivery)) return undefined;
    const task = delivery.#task;
    return task.delivery === delivery ? task : undefined;
  }
}
