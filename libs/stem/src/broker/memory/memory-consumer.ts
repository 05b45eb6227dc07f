import type {
  Abandonment,
  AdmitOutcome,
  ClaimOutcome,
  Consumer,
  ConsumerOptions,
  Death,
  Delivery,
  Progress,
  RateLimitOf,
  Rejection,
  Retry,
  SettleOutcome,
  Success,
} from '../broker.js';
import { Lease } from './lease.js';
import { MemoryDelivery } from './memory-delivery.js';
import type { MemoryQueue } from './memory-queue.js';
import type { MemoryStore } from './memory-store.js';
import type { MemoryTask } from './memory-task.js';
import { MAX_TIMEOUT_MS, type Sleeper } from './work-bell.js';

// One promise per answer serves all calls: settling a task allocates none.
const DONE = Promise.resolve();
const SETTLED = Promise.resolve('settled' as const);
const LEASE_LOST = Promise.resolve('lease-lost' as const);
const NOT_HELD = Promise.resolve('not-held' as const);
const RENEWED = Promise.resolve('renewed' as const);
const ADMITTED = Promise.resolve('admitted' as const);
const POSTPONED = Promise.resolve('postponed' as const);
const CLAIM_REFUSED = Promise.resolve({ outcome: 'lease-lost' } as const);

/** The transitions that need a lease. */
export class MemoryConsumer implements Consumer {
  readonly #store: MemoryStore;
  readonly #lease: Lease;
  readonly #queues: readonly MemoryQueue[];
  /** Those of them that are not left out. */
  #open: readonly MemoryQueue[];
  readonly #onRejected: ((rejection: Rejection) => void) | undefined;
  readonly #sleepers = new Set<Sleeper>();
  /** Index of the queue that the next claim asks first. */
  #turn = 0;
  #stopped = false;

  /** @param id unique per process start. */
  constructor(
    readonly id: string,
    store: MemoryStore,
    options: ConsumerOptions,
  ) {
    this.#store = store;
    this.#queues = options.queues.map((name) => store.queue(name));
    this.#open = this.#queues;
    this.#onRejected = options.onRejected;
    this.#lease = new Lease(id, options.leaseMs, store.clock.now(), options.onCancelRequested, () =>
      this.#wakeAll(),
    );
    store.leases.set(id, this.#lease);
  }

  claim(max: number): Promise<ClaimOutcome> {
    if (this.#lease.lost) return CLAIM_REFUSED;
    this.#store.forgetSome();
    for (const queue of this.#queues) this.#store.settleDue(queue);
    const deliveries: Delivery[] = [];
    const turn = this.#turn++;
    for (let i = 0; i < this.#open.length; i++) {
      const queue = this.#open[(turn + i) % this.#open.length] as MemoryQueue;
      if (queue.paused) continue;
      while (deliveries.length < max) {
        const task = queue.take();
        if (!task) break;
        const delivery = this.#handOut(task, queue);
        if (delivery) deliveries.push(delivery);
      }
    }
    const nextDueAt = deliveries.length < max ? this.#nextDueAt() : undefined;
    const mayHaveMore = deliveries.length === max;
    return Promise.resolve({ outcome: 'claimed', deliveries, mayHaveMore, nextDueAt });
  }

  waitForWork(timeoutMs: number): Promise<void> {
    const now = this.#store.clock.now();
    if (this.#stopped || this.#lease.lost || this.#open.some((queue) => queue.hasWork(now))) {
      return DONE;
    }
    return new Promise((resolve) => {
      const sleeper: Sleeper = {
        wake: () => {
          clearTimeout(timer);
          this.#sleepers.delete(sleeper);
          for (const { bell } of this.#queues) bell.leave(sleeper);
          resolve();
        },
      };
      const timer = setTimeout(sleeper.wake, Math.min(timeoutMs, MAX_TIMEOUT_MS)).unref();
      this.#sleepers.add(sleeper);
      for (const { bell, paused, nextDueAt } of this.#open) {
        bell.enter(sleeper, paused ? undefined : nextDueAt);
      }
    });
  }

  stopWaiting(): void {
    this.#stopped = true;
    this.#wakeAll();
    this.#passOn();
  }

  leaveOut(queues: readonly string[]): void {
    this.#open = this.#queues.filter(({ name }) => !queues.includes(name));
    this.#wakeAll();
    this.#passOn();
  }

  renew(atLeastMs = 0): Promise<'renewed' | 'lease-lost'> {
    if (this.#lease.lost) return LEASE_LOST;
    const until = this.#store.clock.now() + Math.max(this.#lease.leaseMs, atLeastMs);
    this.#lease.expiresAt = Math.max(this.#lease.expiresAt, until);
    return RENEWED;
  }

  complete(delivery: Delivery, success: Success): Promise<SettleOutcome> {
    const task = this.#heldTask(delivery);
    if (!task) return this.#refusal();
    this.#store.takeFromHolder(task, this.#lease).succeeded++;
    task.startedAt = success.startedAt;
    task.result = success.result;
    this.#store.end(task, { state: 'succeeded', ttlMs: success.ttlMs });
    return SETTLED;
  }

  retry(delivery: Delivery, retry: Retry): Promise<SettleOutcome> {
    const task = this.#heldTask(delivery);
    if (!task) return this.#refusal();
    const queue = this.#store.takeFromHolder(task, this.#lease);
    task.attempt++;
    task.admitted = false;
    task.failure = retry.failure;
    task.startedAt = retry.startedAt;
    if (task.cancelRequest) {
      const { reason } = task.cancelRequest;
      this.#store.endCancelled(task, { reason, ttlMs: retry.ttlMs });
      return SETTLED;
    }
    queue.retried++;
    task.state = 'retrying';
    task.worker = undefined;
    queue.delay(task, retry.dueAt ?? this.#store.clock.now() + (retry.delayMs ?? 0));
    return SETTLED;
  }

  fail(delivery: Delivery, death: Death): Promise<SettleOutcome> {
    const task = this.#heldTask(delivery);
    if (!task) return this.#refusal();
    this.#store.takeFromHolder(task, this.#lease);
    task.startedAt = death.startedAt;
    this.#store.bury(task, death.failure, death.reason);
    return SETTLED;
  }

  abandon(delivery: Delivery, end: Abandonment): Promise<SettleOutcome> {
    const task = this.#heldTask(delivery);
    if (!task) return this.#refusal();
    this.#store.takeFromHolder(task, this.#lease);
    task.startedAt = end.startedAt;
    this.#store.endCancelled(task, end);
    return SETTLED;
  }

  release(delivery: Delivery): Promise<SettleOutcome> {
    const task = this.#heldTask(delivery);
    if (!task) return this.#refusal();
    this.#giveBack(task);
    return SETTLED;
  }

  admit(delivery: Delivery, limit: RateLimitOf): Promise<AdmitOutcome> {
    const task = this.#heldTask(delivery);
    if (!task) return this.#lease.lost ? LEASE_LOST : NOT_HELD;
    const now = this.#store.clock.now();
    const turn = this.#store.rateLimits.takeTurn(limit, now);
    if (turn <= now) return ADMITTED;
    const queue = this.#store.takeFromHolder(task, this.#lease);
    task.deliveries--;
    if (task.cancelRequest) {
      this.#store.endCancelled(task, task.cancelRequest);
      this.#store.count('cancelled', task);
      return POSTPONED;
    }
    task.admitted = true;
    task.startedAt = undefined;
    task.worker = undefined;
    this.#store.schedule(task, queue, turn);
    return POSTPONED;
  }

  reportProgress(delivery: Delivery, progress: Progress): Promise<void> {
    const task = this.#heldTask(delivery);
    if (task) task.progress = JSON.stringify(progress);
    return DONE;
  }

  async close(): Promise<void> {
    const lease = this.#lease;
    this.#stopped = true;
    if (!lease.lost) {
      lease.lost = true;
      this.#store.leases.delete(this.id);
      for (let task; (task = lease.held.last);) this.#giveBack(task);
    }
    this.#wakeAll();
    this.#passOn();
  }

  #handOut(task: MemoryTask, queue: MemoryQueue): Delivery | undefined {
    const envelope = task.readEnvelope();
    if ('corrupt' in envelope) {
      this.#reject(task, envelope.corrupt);
      return undefined;
    }
    task.state = 'running';
    task.deliveries++;
    task.startedAt = this.#store.clock.now();
    task.progress = undefined;
    task.worker = this.id;
    task.holder = this.#lease;
    this.#lease.held.push(task);
    queue.running++;
    return (task.delivery = new MemoryDelivery(task, envelope));
  }

  #reject(task: MemoryTask, fault: string): void {
    const reason = 'corrupt-record';
    const detail = `The record cannot be read: ${fault}.`;
    this.#store.bury(task, { name: 'CorruptRecordError', message: detail }, reason);
    const rejection: Rejection = { id: task.id, queue: task.queue, reason, detail };
    // Not from inside the claim: a listener that throws must not take the batch with it.
    queueMicrotask(() => this.#onRejected?.(rejection));
  }

  /** `release`: neither an attempt nor a delivery is spent. */
  #giveBack(task: MemoryTask): void {
    const queue = this.#store.takeFromHolder(task, this.#lease);
    task.deliveries--;
    this.#store.handBack(task, queue);
  }

  /** Nothing also after the lease was lost: then others hold its tasks, or nobody. */
  #heldTask(delivery: Delivery): MemoryTask | undefined {
    const task = MemoryDelivery.currentTask(delivery);
    return task?.holder === this.#lease ? task : undefined;
  }

  #refusal(): Promise<SettleOutcome> {
    return this.#lease.lost ? LEASE_LOST : NOT_HELD;
  }

  #nextDueAt(): number | undefined {
    let earliest: number | undefined;
    for (const { paused, nextDueAt } of this.#open) {
      if (paused || nextDueAt === undefined) continue;
      if (earliest === undefined || nextDueAt < earliest) earliest = nextDueAt;
    }
    return earliest;
  }

  #wakeAll(): void {
    for (const sleeper of this.#sleepers) sleeper.wake();
  }

  /** It may have been woken for a task that it will not claim any more: wakes somebody else. */
  #passOn(): void {
    const now = this.#store.clock.now();
    for (const queue of this.#queues) if (queue.hasWork(now)) queue.bell.ring(1);
  }
}
