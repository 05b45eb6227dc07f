import type { Beat } from '../beat/beat.js';
import type { Delivery } from '../broker/broker.js';
import type { EnqueueOptions } from '../client/enqueue-options.js';
import type { TaskDefinition } from '../core/define-task.js';
import { TaskCancelledError, UnknownTaskError } from '../core/errors.js';
import type { Clock } from '../core/clock.js';
import { nearestNames } from '../core/names.js';
import type { RunOutcome } from '../core/worker-status.js';
import type { HarnessedStem } from '../nest/stem-harness.js';
import { Journal } from './journal.js';
import { type BrokerWatcher, TestingBroker } from './testing-broker.js';
import type { HandOut, TestingConsumer } from './testing-consumer.js';
import { StemTestingError } from './testing-error.js';

/** How an attempt ended, and what its handler threw. */
interface Ended {
  readonly outcome: RunOutcome;
  readonly reason: string | undefined;
  readonly error: unknown;
}

/** What a {@link TestedStem} works with. */
export interface TestedStemParts {
  readonly clock: Clock;
  readonly namespace: string;
  /** Whether attempts after the first follow at once. */
  readonly retriesAtOnce: boolean;
  readonly watcher: BrokerWatcher;
}

/** One Stem of an application under test: its tasks are handed to its worker one by one. */
export class TestedStem {
  readonly broker: TestingBroker;
  readonly journal = new Journal();
  readonly #parts: TestedStemParts;
  /** Ids of tasks that the test itself runs. */
  readonly #direct = new Set<string>();
  #stem: HarnessedStem | undefined;
  #beat: Beat | undefined;

  constructor(
    readonly name: string,
    parts: TestedStemParts,
  ) {
    this.#parts = parts;
    const { clock, namespace, watcher } = parts;
    this.broker = new TestingBroker(
      { clock, namespace },
      {
        ...watcher,
        opened: () => watcher.opened(),
        accepted: (task, now) => {
          if (!this.#direct.has(task.id)) this.journal.add(task, now);
          watcher.accepted(task, now);
        },
        enqueued: (ids) => watcher.enqueued(ids.filter((id) => !this.#direct.has(id))),
      },
    );
  }

  attach(stem: HarnessedStem): void {
    this.#stem = stem;
  }

  attachBeat(beat: Beat): void {
    this.#beat = beat;
  }

  /** Its parts. @throws {StemTestingError} before the application has made them. */
  get stem(): HarnessedStem {
    if (!this.#stem) throw notBooted();
    return this.#stem;
  }

  /** Tasks that are with the worker. */
  get held(): number {
    return this.broker.consumer?.held ?? 0;
  }

  /** Whether no listener of a signal is at work. */
  get isQuiet(): boolean {
    return this.#stem?.signals.isQuiet ?? true;
  }

  /** @throws {StemTestingError} when the application has not booted, or its worker was stopped. */
  get consumer(): TestingConsumer {
    const { consumer } = this.broker;
    if (!consumer) throw notBooted();
    if (consumer.isStopped) {
      throw new StemTestingError('The worker was stopped: it runs no tasks any more.');
    }
    return consumer;
  }

  /**
   * Carries due schedules out.
   *
   * @returns when the next one comes due.
   */
  async carryOutSchedules(): Promise<number> {
    const untilMs = await this.#beat?.round();
    return untilMs === undefined ? Infinity : this.#parts.clock.now() + untilMs;
  }

  /** Promotes what is due, and expires what has expired. */
  async settleDue(): Promise<void> {
    for (const { name } of await this.broker.listQueues()) await this.broker.settleDue(name);
  }

  /**
   * Takes the task that is to run next: of the queue in which one has been ready for longest. Tasks that
   * have no handler here stay where they are; another application would run them.
   */
  async takeNext(): Promise<Delivery | undefined> {
    await this.settleDue();
    const queues = (await this.broker.listQueues())
      .filter(({ paused, queued }) => !paused && queued > 0)
      .sort((a, b) => (a.oldestReadyAt ?? 0) - (b.oldestReadyAt ?? 0));
    for (const { name } of queues) {
      const delivery = await this.consumer.take(name, ({ envelope }) => {
        return !this.#direct.has(envelope.id) && this.#handles(envelope.name);
      });
      if (delivery) return delivery;
    }
    return undefined;
  }

  /** Hands a task that was taken to the worker. */
  handOut(delivery: Delivery): Promise<HandOut> {
    const { retriesAtOnce } = this.#parts;
    return this.consumer.handOut(delivery, { retriesAtOnce, ignoresRateLimit: false });
  }

  /** Runs one task now, whatever else waits. */
  async run(
    task: string | TaskDefinition,
    args: unknown,
    { retries, ...options }: EnqueueOptions & { readonly retries: boolean },
  ): Promise<unknown> {
    const { consumer } = this;
    const { client, registry, observers } = this.stem;
    const name = typeof task === 'string' ? task : task.name;
    if (!this.#handles(name)) {
      const handled = registry.list().filter(({ invoke }) => invoke !== undefined);
      throw new UnknownTaskError(
        name,
        nearestNames(
          name,
          handled.map((known) => known.name),
        ),
      );
    }
    const id = options.id ?? this.broker.newTaskId();
    let notify: (ended: Ended) => void = () => undefined;
    const endObserving = observers.add({
      ended: (run, _worker, outcome, reason, error) => {
        if (run.id === id) notify({ outcome, reason, error });
      },
    });
    this.#direct.add(id);
    try {
      const { created } = await client.enqueue(task as TaskDefinition, args, {
        ...(retries ? {} : { maxRetries: 0 }),
        ...options,
        unique: false,
        id,
      });
      if (!created) throw new StemTestingError(`There is a task '${id}' already.`);
      for (;;) {
        const over = new Promise<Ended>((resolve) => (notify = resolve));
        const handOut = await this.#handOutDirect(consumer, name, id);
        const ended = await over;
        if (ended.outcome !== 'retrying') return resultOf(name, id, ended, handOut.result);
      }
    } finally {
      this.#direct.delete(id);
      endObserving();
    }
  }

  async #handOutDirect(consumer: TestingConsumer, name: string, id: string): Promise<HandOut> {
    const queue = (await this.broker.find(id))?.queue ?? '';
    await this.broker.settleDue(queue);
    const delivery = await consumer.take(queue, ({ envelope }) => envelope.id === id);
    if (!delivery) {
      throw new StemTestingError(
        `Task '${name}' cannot be run: its queue '${queue}' is paused, or the task has expired.`,
        { taskId: id, taskName: name, queue },
      );
    }
    return consumer.handOut(delivery, { retriesAtOnce: true, ignoresRateLimit: true });
  }

  #handles(name: string): boolean {
    return this.stem.registry.get(name)?.invoke !== undefined;
  }
}

function resultOf(name: string, id: string, ended: Ended, result: string | undefined): unknown {
  const where = { taskId: id, taskName: name };
  switch (ended.outcome) {
    case 'succeeded':
      return result === undefined ? undefined : (JSON.parse(result) as unknown);
    case 'failed':
      throw ended.error;
    case 'cancelled':
      throw new TaskCancelledError(`Task '${name}' was cancelled: ${ended.reason}`, where);
    default:
      throw new StemTestingError(`Task '${name}' was not finished: the worker stopped.`, where);
  }
}

function notBooted(): StemTestingError {
  return new StemTestingError(
    'The application has not booted: call `await app.init()` (or moduleRef.init()) first.',
  );
}
