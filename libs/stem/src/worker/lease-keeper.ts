import type { Broker, Consumer } from '../broker/broker.js';
import { faultHook } from '../core/fault-points.js';
import type { TaskLogger } from '../core/task-context.js';

/**
 * Renews a consumer's lease at a third of its length, and takes tasks from consumers whose lease ran
 * out. With a third, two renewals may fail before the lease does.
 */
export class LeaseKeeper {
  readonly #parts: LeaseKeeperParts;
  #timer: NodeJS.Timeout | undefined;
  /** When the next renewal is due, by the monotonic clock. */
  #dueMonotonicMs = Infinity;
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
    const delayMs = this.#parts.leaseMs / 3;
    this.#dueMonotonicMs = performance.now() + delayMs;
    this.#timer = setTimeout(() => void this.#keep(), delayMs);
  }

  /**
   * Reports a renewal that is so late that the lease has run out meanwhile. It is late only when this
   * process did nothing at all: no call to the broker holds a timer up.
   */
  reportBlock(): void {
    const { leaseMs, onBlocked } = this.#parts;
    const lateMs = performance.now() - this.#dueMonotonicMs;
    this.#dueMonotonicMs = Infinity;
    if (lateMs + leaseMs / 3 >= leaseMs) onBlocked(lateMs);
  }

  async #keep(): Promise<void> {
    const { consumer, log, onRenewed, onLost } = this.#parts;
    this.reportBlock();
    try {
      faultHook?.('worker:lease-renewed:before');
      const outcome = await consumer.renew();
      faultHook?.('worker:lease-renewed:after');
      if (this.#stopped) return;
      if (outcome === 'lease-lost') {
        this.stop();
        onLost();
        return;
      }
      onRenewed();
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
  readonly onRenewed: () => void;
  /** Told when the process did nothing for longer than the lease, and for how long. */
  readonly onBlocked: (blockedMs: number) => void;
  readonly onLost: () => void;
}
