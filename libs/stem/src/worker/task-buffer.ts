import type { Delivery } from '../broker/broker.js';
import { PRIORITY_RANGE } from '../core/task-options.js';

/**
 * Tasks that were claimed and wait for a free slot: highest priority first, first in, first out within
 * one. A task claimed later may overtake one of lower priority that has not started.
 */
export class TaskBuffer {
  readonly #lanes: Lane[] = Array.from({ length: PRIORITY_RANGE[1] + 1 }, () => ({
    deliveries: [],
    head: 0,
  }));
  #size = 0;

  get size(): number {
    return this.#size;
  }

  push(delivery: Delivery): void {
    this.#lanes[delivery.priority]?.deliveries.push(delivery);
    this.#size++;
  }

  /** Whether a task waits here. Looks at all of them: for rare questions only. */
  has(id: string): boolean {
    return this.#lanes.some(({ deliveries, head }) =>
      deliveries.some(({ envelope }, index) => index >= head && envelope.id === id),
    );
  }

  /** All of them, in the order in which they will start. */
  list(): Delivery[] {
    return [...this.#lanes].reverse().flatMap(({ deliveries, head }) => deliveries.slice(head));
  }

  /** Takes the next task out. */
  shift(): Delivery | undefined {
    if (this.#size === 0) return undefined;
    for (let priority = PRIORITY_RANGE[1]; priority >= PRIORITY_RANGE[0]; priority--) {
      const lane = this.#lanes[priority] as Lane;
      if (lane.head === lane.deliveries.length) continue;
      const delivery = lane.deliveries[lane.head++];
      if (lane.head === lane.deliveries.length) {
        lane.deliveries = [];
        lane.head = 0;
      }
      this.#size--;
      return delivery;
    }
    return undefined;
  }

  /** Takes everything out. */
  drain(): Delivery[] {
    const drained: Delivery[] = [];
    for (let next = this.shift(); next; next = this.shift()) drained.push(next);
    return drained;
  }
}

interface Lane {
  deliveries: Delivery[];
  head: number;
}
