import { nanoid } from 'nanoid';
import type {
  Consumer,
  ConsumerOptions,
  EnqueueOutcome,
  NewTask,
  TaskRecord,
} from '../broker/broker.js';
import { MemoryBroker } from '../broker/memory/memory-broker.js';
import type { Clock } from '../core/clock.js';
import { TestingConsumer } from './testing-consumer.js';

/** Who is told of what happens at a {@link TestingBroker}. */
export interface BrokerWatcher {
  /** A worker is there. */
  opened(): void;
  /** A task was accepted, from a client or from the tick of a schedule. */
  accepted(task: NewTask, now: number): void;
  /** Tasks were enqueued by a client, which waits until the promise has resolved. */
  enqueued(ids: readonly string[]): Promise<void>;
  /** Somebody waits for the end of a task, until they call what is returned. */
  waits(id: string): Promise<() => void>;
  /** A task is not held any more. */
  changed(): void;
}

/** The broker in memory, with somebody who hands its tasks out. */
export class TestingBroker extends MemoryBroker {
  readonly #watcher: BrokerWatcher;
  /** Of the worker that was opened last; there is one. */
  consumer: TestingConsumer | undefined;

  constructor(
    options: { readonly clock: Clock; readonly namespace: string },
    watcher: BrokerWatcher,
  ) {
    super(options);
    this.#watcher = watcher;
  }

  override async enqueue(tasks: readonly NewTask[]): Promise<EnqueueOutcome[]> {
    const outcomes = await super.enqueue(tasks);
    await this.#watcher.enqueued(outcomes.filter(({ created }) => created).map(({ id }) => id));
    return outcomes;
  }

  override async openConsumer(options: ConsumerOptions): Promise<Consumer> {
    // A lease by the virtual clock would run out whenever a test lets time pass.
    const open = (queue: string): Promise<Consumer> =>
      super.openConsumer({ ...options, queues: [queue], leaseMs: Infinity });
    const id = `${options.worker}-${nanoid(8)}`;
    this.consumer = new TestingConsumer(id, open, () => this.#watcher.changed());
    this.#watcher.opened();
    return this.consumer;
  }

  override async waitForEnd(id: string, timeoutMs: number): Promise<TaskRecord | undefined> {
    const leave = await this.#watcher.waits(id);
    try {
      return await super.waitForEnd(id, timeoutMs);
    } finally {
      leave();
    }
  }

  protected override accept(task: NewTask, now: number): EnqueueOutcome {
    const outcome = super.accept(task, now);
    if (outcome.created) this.#watcher.accepted(task, now);
    return outcome;
  }
}
