import type { Broker, QueueStats } from '../broker/broker.js';
import { requireName } from '../core/task-options.js';

/** Looks at queues and governs them: `stem.queues`. */
export class Queues {
  readonly #broker: Broker;

  constructor(broker: Broker) {
    this.#broker = broker;
  }

  /** Every queue that was ever used, by name. */
  async list(): Promise<QueueStats[]> {
    const queues = await this.#broker.listQueues();
    return queues.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** The numbers of one queue; zeros for one that was never used. */
  async stats(queue: string): Promise<QueueStats> {
    return this.#broker.queueStats(requireName(queue, 'queue'));
  }

  /** Stops handing out its tasks, in every process; running ones go on. */
  async pause(queue: string): Promise<void> {
    await this.#broker.pauseQueue(requireName(queue, 'queue'));
  }

  /** Hands out its tasks again. */
  async resume(queue: string): Promise<void> {
    await this.#broker.resumeQueue(requireName(queue, 'queue'));
  }

  /** Cancels every waiting task of a queue; running ones go on. Returns how many there were. */
  async purge(queue: string): Promise<number> {
    return this.#broker.purgeQueue(requireName(queue, 'queue'));
  }
}
