import type { Broker, Consumer } from '../broker/broker.js';
import type { TaskLogger } from '../core/task-context.js';

/**
 * Renews a consumer's lease at a third of its length, and takes tasks from consumers whose lease ran
 * out. With a third, two renewals may fail before the lease does.
 */
export class LeaseKeeper {
  readonly #parts: LeaseKeeperParts;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(parts: LeaseKeeperParts) {
    this.#parts = parts;
  }

  /** Reclaims at once: tasks of workers that died before this one started must not wait. */
  start(): void {
    void this.#reclaim();
    this.#schedule();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #schedule(): void {
    if (this.#stopped) return;
    this.#timer = setTimeout(() => void this.#keep(), this.#parts.leaseMs / 3);
  }

  async #keep(): Promise<void> {
    const { consumer, log, onLost } = this.#parts;
    try {
      const outcome = await consumer.renew();
      if (this.#stopped) return;
      if (outcome === 'lease-lost') {
        this.stop();
        onLost();
        return;
      }
      await this.#reclaim();
    } catch (error) {
      if (!this.#stopped) log.warn(`Could not renew the lease of ${consumer.id}: ${String(error)}`);
    }
    this.#schedule();
  }

  async #reclaim(): Promise<void> {
    const { broker, maxLosses, log } = this.#parts;
    try {
      const { consumers, requeued, deadLettered } = await broker.reclaim({ maxLosses });
      if (consumers.length === 0) return;
      log.warn(
        `Took over from ${consumers.join(', ')}, whose lease ran out: ${requeued} tasks are queued ` +
          `again, ${deadLettered.length} dead-lettered after losing ${maxLosses} workers.`,
      );
    } catch (error) {
      if (!this.#stopped) log.warn(`Could not look for lost workers: ${String(error)}`);
    }
  }
}

/** What a {@link LeaseKeeper} works with. */
export interface LeaseKeeperParts {
  readonly broker: Broker;
  readonly consumer: Consumer;
  readonly leaseMs: number;
  /** How often a task may lose its worker before it is dead-lettered. */
  readonly maxLosses: number;
  readonly log: TaskLogger;
  readonly onLost: () => void;
}
