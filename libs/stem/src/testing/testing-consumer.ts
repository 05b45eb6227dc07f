import type {
  Abandonment,
  AdmitOutcome,
  ClaimOutcome,
  Consumer,
  Death,
  Delivery,
  Progress,
  RateLimitOf,
  Retry,
  SettleOutcome,
  Success,
} from '../broker/broker.js';

/** How a hand-out is carried out. */
export interface HandOutRules {
  /** The next attempt follows at once, whatever the pause before it is meant to be. */
  readonly retriesAtOnce: boolean;
  /** It waits for no turn under a rate limit. */
  readonly ignoresRateLimit: boolean;
}

/** A task in a worker's hands. */
export interface HandOut {
  readonly delivery: Delivery;
  /** Resolves when it is not any more, however that came. */
  readonly settled: Promise<void>;
  /** The result as JSON, once it succeeded. */
  result: string | undefined;
}

interface Held extends HandOut {
  readonly rules: HandOutRules;
  readonly consumer: Consumer;
  readonly settle: () => void;
}

/**
 * What a worker claims from in a test: it gets the tasks that it is handed, one by one, and no others. It
 * serves every queue, since which process serves which is not the business of a test.
 */
export class TestingConsumer implements Consumer {
  readonly #openQueue: (queue: string) => Promise<Consumer>;
  readonly #onChange: () => void;
  readonly #consumers = new Map<string, Promise<Consumer>>();
  readonly #held = new Map<Delivery, Held>();
  readonly #ready: Delivery[] = [];
  #leftOut: readonly string[] = [];
  #wake: (() => void) | undefined;
  #stopped = false;
  #taking: Promise<unknown> = Promise.resolve();

  /** @param onChange told when a task is not held any more. */
  constructor(
    readonly id: string,
    openQueue: (queue: string) => Promise<Consumer>,
    onChange: () => void,
  ) {
    this.#openQueue = openQueue;
    this.#onChange = onChange;
  }

  /** Takes nothing any more. */
  get isStopped(): boolean {
    return this.#stopped;
  }

  /** Tasks that were handed out and are not settled. */
  get held(): number {
    return this.#held.size;
  }

  /** Claims the first task of a queue that is wanted; the others stay as they are. */
  take(queue: string, isWanted: (delivery: Delivery) => boolean): Promise<Delivery | undefined> {
    return this.whileNobodyTakes(() => this.#take(queue, isWanted));
  }

  /** Whoever takes a task has others in hand for a moment; this waits until they are back. */
  whileNobodyTakes<T>(action: () => Promise<T>): Promise<T> {
    const result = this.#taking.then(action);
    this.#taking = result.catch(() => undefined);
    return result;
  }

  async #take(
    queue: string,
    isWanted: (delivery: Delivery) => boolean,
  ): Promise<Delivery | undefined> {
    if (this.#stopped || this.#leftOut.includes(queue)) return undefined;
    const consumer = await this.#consumerOf(queue);
    const passedOver: Delivery[] = [];
    let taken: Delivery | undefined;
    while (!taken) {
      const outcome = await consumer.claim(1);
      const [delivery] = outcome.outcome === 'claimed' ? outcome.deliveries : [];
      if (!delivery) break;
      if (isWanted(delivery)) taken = delivery;
      else passedOver.push(delivery);
    }
    for (const delivery of passedOver) await consumer.release(delivery);
    return taken;
  }

  /** Gives a task that was taken back unharmed. */
  async putBack(delivery: Delivery): Promise<void> {
    await (await this.#consumerOf(delivery.queue)).release(delivery);
    this.#onChange();
  }

  /** Hands a task that was taken to the worker. */
  async handOut(delivery: Delivery, rules: HandOutRules): Promise<HandOut> {
    const consumer = await this.#consumerOf(delivery.queue);
    let settle = (): void => undefined;
    const settled = new Promise<void>((resolve) => (settle = resolve));
    const held: Held = { delivery, settled, settle, rules, consumer, result: undefined };
    this.#held.set(delivery, held);
    this.#ready.push(delivery);
    this.#wake?.();
    return held;
  }

  async claim(max: number): Promise<ClaimOutcome> {
    const deliveries = this.#ready.splice(0, max);
    const mayHaveMore = this.#ready.length > 0;
    return { outcome: 'claimed', deliveries, mayHaveMore, nextDueAt: undefined };
  }

  waitForWork(timeoutMs: number): Promise<void> {
    if (this.#stopped || this.#ready.length > 0) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#wake?.(), timeoutMs).unref();
      this.#wake = () => {
        clearTimeout(timer);
        this.#wake = undefined;
        resolve();
      };
    });
  }

  stopWaiting(): void {
    this.#stopped = true;
    this.#wake?.();
  }

  leaveOut(queues: readonly string[]): void {
    this.#leftOut = queues;
    this.#wake?.();
  }

  async renew(): Promise<'renewed'> {
    return 'renewed';
  }

  complete(delivery: Delivery, success: Success): Promise<SettleOutcome> {
    const held = this.#held.get(delivery);
    if (held) held.result = success.result;
    return this.#settle(delivery, (consumer) => consumer.complete(delivery, success));
  }

  retry(delivery: Delivery, retry: Retry): Promise<SettleOutcome> {
    const atOnce = this.#held.get(delivery)?.rules.retriesAtOnce;
    const when = atOnce ? { ...retry, dueAt: undefined, delayMs: 0 } : retry;
    return this.#settle(delivery, (consumer) => consumer.retry(delivery, when));
  }

  fail(delivery: Delivery, death: Death): Promise<SettleOutcome> {
    return this.#settle(delivery, (consumer) => consumer.fail(delivery, death));
  }

  abandon(delivery: Delivery, end: Abandonment): Promise<SettleOutcome> {
    return this.#settle(delivery, (consumer) => consumer.abandon(delivery, end));
  }

  release(delivery: Delivery): Promise<SettleOutcome> {
    return this.#settle(delivery, (consumer) => consumer.release(delivery));
  }

  async admit(delivery: Delivery, limit: RateLimitOf): Promise<AdmitOutcome> {
    const held = this.#held.get(delivery);
    if (!held) return 'not-held';
    if (held.rules.ignoresRateLimit) return 'admitted';
    const outcome = await held.consumer.admit(delivery, limit);
    if (outcome !== 'admitted') this.#drop(held);
    return outcome;
  }

  async reportProgress(delivery: Delivery, progress: Progress): Promise<void> {
    await this.#held.get(delivery)?.consumer.reportProgress(delivery, progress);
  }

  async close(): Promise<void> {
    this.stopWaiting();
    for (const consumer of this.#consumers.values()) await (await consumer).close();
    for (const held of [...this.#held.values()]) this.#drop(held);
  }

  async #settle(
    delivery: Delivery,
    carryOut: (consumer: Consumer) => Promise<SettleOutcome>,
  ): Promise<SettleOutcome> {
    const held = this.#held.get(delivery);
    if (!held) return 'not-held';
    const outcome = await carryOut(held.consumer);
    this.#drop(held);
    return outcome;
  }

  #drop(held: Held): void {
    this.#held.delete(held.delivery);
    held.settle();
    this.#onChange();
  }

  #consumerOf(queue: string): Promise<Consumer> {
    let consumer = this.#consumers.get(queue);
    if (!consumer) this.#consumers.set(queue, (consumer = this.#openQueue(queue)));
    return consumer;
  }
}
