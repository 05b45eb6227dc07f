import { setTimeout as delay } from 'node:timers/promises';
import type {
  Broker,
  CancelRequest,
  Consumer,
  ConsumerOptions,
  Death,
  Delivery,
  Retry,
  Success,
  TaskRecord,
} from '../../libs/stem/src/broker/broker.js';
import { newTask, type NewTaskOptions, TEST_QUEUE } from '../support/new-task.js';

/** What the contract suite has to know of a broker. */
export interface BrokerHarness {
  /** A fresh place for tasks that no other test sees. */
  createStore(): Promise<TestStore>;
  /** Whether time passes by itself. If not, only {@link TestStore.advance} moves it. */
  readonly realTime: boolean;
}

/** One place for tasks. */
export interface TestStore {
  /** Another broker on this store, connected, as another process would have it. */
  connect(): Promise<Broker>;
  /** Lets `ms` pass on the broker's clock. */
  advance(ms: number): Promise<void>;
}

/** Longer than any test takes. */
export const LONG_MS = 60_000;

/** Far above what a notification takes; only a test that fails waits for so long. */
const PATIENCE_MS = 5_000;

/** Claims in a row without a task after which nothing is taken to be there. */
const EMPTY_CLAIMS = 3;

export const success = (changes: Partial<Success> = {}): Success => ({
  result: '"done"',
  startedAt: 1_000,
  ttlMs: LONG_MS,
  ...changes,
});

export const retry = (changes: Partial<Retry> = {}): Retry => ({
  failure: { name: 'Error', message: 'not this time' },
  delayMs: changes.dueAt === undefined ? 0 : undefined,
  startedAt: 1_000,
  ttlMs: LONG_MS,
  ...changes,
});

export const death = (changes: Partial<Death> = {}): Death => ({
  failure: { name: 'Error', message: 'never again' },
  reason: 'unrecoverable',
  startedAt: 1_000,
  ...changes,
});

export const abandonment = { reason: 'asked to stop', startedAt: 1_000, ttlMs: LONG_MS };

export const cancelRequest = (changes: Partial<CancelRequest> = {}): CancelRequest => ({
  reason: 'no longer needed',
  terminate: false,
  ttlMs: LONG_MS,
  ...changes,
});

/** What one test works with. */
export interface Stage {
  readonly broker: Broker;
  /** A second broker on the same store. */
  readonly other: Broker;
  advance(ms: number): Promise<void>;
  /** Enqueues one task; its id. */
  enqueue(options?: NewTaskOptions): Promise<string>;
  /** Opens a consumer with a long lease on the test queue, unless told otherwise. */
  consumer(options?: Partial<ConsumerOptions>): Promise<Consumer>;
  /** Enqueues a task and claims it. */
  running(options?: NewTaskOptions, consumer?: Partial<ConsumerOptions>): Promise<Held>;
  /** The record of a task that must be known. */
  record(id: string): Promise<TaskRecord>;
}

export interface Held {
  readonly id: string;
  readonly consumer: Consumer;
  readonly delivery: Delivery;
}

/** Sets a fresh stage before each test of a suite, and clears it afterwards. */
export function useStage(harness: BrokerHarness): Stage {
  let store: TestStore;
  let broker: Broker;
  let other: Broker;
  let consumers: Consumer[];

  beforeEach(async () => {
    store = await harness.createStore();
    broker = await store.connect();
    other = await store.connect();
    consumers = [];
  });

  afterEach(async () => {
    await Promise.all(consumers.map((consumer) => consumer.close()));
    await broker.close();
    await other.close();
  });

  const stage: Stage = {
    get broker() {
      return broker;
    },
    get other() {
      return other;
    },
    advance: (ms) => store.advance(ms),
    async enqueue(options) {
      const task = newTask(broker, options);
      const [outcome] = await broker.enqueue([task]);
      expect(outcome).toEqual({ id: task.id, created: true });
      return task.id;
    },
    async consumer(options = {}) {
      const consumer = await broker.openConsumer({
        worker: 'worker',
        queues: [TEST_QUEUE],
        leaseMs: LONG_MS,
        ...options,
      });
      consumers.push(consumer);
      return consumer;
    },
    async running(options, consumerOptions) {
      const id = await stage.enqueue(options);
      const consumer = await stage.consumer({
        ...(options?.queue === undefined ? {} : { queues: [options.queue] }),
        ...consumerOptions,
      });
      return { id, consumer, delivery: await claimOne(consumer) };
    },
    async record(id) {
      const record = await broker.find(id);
      if (!record) throw new Error(`Task ${id} is not known`);
      return record;
    },
  };
  return stage;
}

/** Claims until `count` tasks are held, or several claims in a row brought none. */
export async function claim(consumer: Consumer, count: number): Promise<Delivery[]> {
  const deliveries: Delivery[] = [];
  for (let empty = 0; deliveries.length < count && empty < EMPTY_CLAIMS;) {
    const claimed = await consumer.claim(count - deliveries.length);
    if (claimed.outcome === 'lease-lost') throw new Error('The lease was lost');
    deliveries.push(...claimed.deliveries);
    empty = claimed.deliveries.length ? 0 : empty + 1;
  }
  return deliveries;
}

/** Claims the one task that must be there. */
export async function claimOne(consumer: Consumer): Promise<Delivery> {
  const [delivery] = await claim(consumer, 1);
  if (!delivery) throw new Error('There was no task to claim');
  return delivery;
}

export const idsOf = (deliveries: readonly Delivery[]): string[] =>
  deliveries.map(({ envelope }) => envelope.id);

/** Waits until `check` does not throw any more. */
export async function eventually(check: () => void | Promise<void>): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await delay(5);
    }
  }
}

/** Rejects when `promise` takes longer than anything notified may take. */
export async function soon<T>(promise: Promise<T>): Promise<T> {
  const giveUp = new AbortController();
  const tooLate = delay(PATIENCE_MS, undefined, { signal: giveUp.signal }).then(
    () => {
      throw new Error(`It did not happen within ${PATIENCE_MS} ms`);
    },
    () => new Promise<never>(() => undefined),
  );
  try {
    return await Promise.race([promise, tooLate]);
  } finally {
    giveUp.abort();
  }
}
