import { nanoid } from 'nanoid';
import type {
  Abandonment,
  AdmitOutcome,
  CancelRequest,
  ClaimOutcome,
  Consumer,
  ConsumerOptions,
  Death,
  Delivery,
  Progress,
  RateLimitOf,
  Retry,
  SettleOutcome,
  Success,
} from '../broker.js';
import { Linked, LinkedSet } from '../../core/linked-set.js';
import type { Passengers } from './batcher.js';
import { ClaimRounds } from './claim-rounds.js';
import { readHandOut, type Unreadable } from './hand-out-reader.js';
import type { Partition } from './partition.js';
import { SucceededRecords } from './record-codec.js';
import type { RedisDelivery } from './redis-delivery.js';
import { claim, type HandOut } from './scripts/claim.script.js';
import { complete, type Completion, completionOf, isUnstaged } from './scripts/complete.script.js';
import {
  checkCancels,
  closeConsumer,
  openConsumer,
  reconcile,
  renew,
  reportProgress,
} from './scripts/consumer.script.js';
import type { ServerClock } from './server-clock.js';
import { Settlers } from './settlers.js';
import type { WakeListener } from './wake-listener.js';

/** Most tasks that one call hands out, */
const MAX_CLAIM = 500;
/** and about how many bytes of them, so that large ones do not hold Redis for long. */
const CLAIM_BYTES = 128 * 1024;
/** Most due tasks that a claim settles per queue. */
const DUE_BUDGET = 200;
/** How often requests to stop are looked for, in case a message was lost. */
const CANCEL_CHECK_MS = 500;
/** Most tasks that one such call asks for. */
const CANCEL_CHECK_BUDGET = 1_000;
/** After what goes ahead of a call was refused, everything goes in the call for so long. */
const UNSTAGED_MS = 5_000;
/** Progress of a task that is never settled is forgotten after this long. */
const PROGRESS_TTL_MS = 86_400_000;

/** What a consumer needs of the broker that opens it. */
export interface ConsumerContext {
  readonly partitions: readonly Partition[];
  readonly clock: ServerClock;
  readonly wakeListener: WakeListener;
  readonly maxMessageBytes: number;
  readonly expiredTtlMs: number;
  readonly newTaskId: (partition: number) => string;
  readonly onFault: (fault: string) => void;
  /** Tells when the connection is back; returns what ends that. */
  readonly onReconnected: (listener: () => void) => () => void;
  /** Called once the consumer is closed. */
  readonly onClosed: (consumer: RedisConsumer) => void;
}

/**
 * A worker process's hold on tasks in every partition of a namespace.
 *
 * Ownership has two halves. Towards others, the lease: each script checks it, and reclaiming removes
 * it. Towards ourselves, `#held`: this process alone uses the consumer's name, so what it has settled
 * or given back it knows without asking.
 */
export class RedisConsumer implements Consumer {
  readonly id: string;
  readonly #options: ConsumerOptions;
  readonly #context: ConsumerContext;
  readonly #settlers: readonly Settlers[];
  readonly #records: SucceededRecords;
  readonly #rounds: ClaimRounds;
  readonly #held = new LinkedSet<RedisDelivery>();
  /** The queues that it takes tasks from now; see {@link leaveOut}. */
  #queues: readonly string[];
  #queueRotation = 0;
  /** Size of a task, as the last claims tell. */
  #taskBytes = 0;
  /** When the next waiting task of our queues comes due, as the last claim told. */
  #nextDueAt: number | undefined;
  #leaseLost = false;
  /**
   * Partitions that may say we hold tasks of which we know nothing: a claim had no answer, or the server
   * came back without what it did last, such as settling them. Nobody else would ever get these tasks.
   */
  readonly #uncertain = new Set<Partition>();
  readonly #reconciling = new Map<Partition, Promise<void>>();
  #reconciledMonotonicMs = performance.now();
  /** Until then it is looked more often. */
  #inDoubtUntilMonotonicMs = 0;
  /** What goes ahead of a call was refused: until then nothing does. */
  #unstagedUntilMonotonicMs = 0;
  /** Claims without an answer yet, by partition. */
  readonly #claiming: readonly LinkedSet<ClaimUnderWay>[];
  #cancelCheck: NodeJS.Timeout | undefined;
  #endReconnected: (() => void) | undefined;
  #closed = false;

  constructor(options: ConsumerOptions, context: ConsumerContext) {
    this.id = `${options.worker}-${nanoid(8)}`;
    this.#records = new SucceededRecords(this.id);
    this.#options = options;
    this.#queues = options.queues;
    this.#context = context;
    this.#rounds = new ClaimRounds(context.partitions.length);
    this.#settlers = context.partitions.map(
      ({ scripts }) =>
        new Settlers(scripts, this.id, (deliveries, send) => this.#settleBatch(deliveries, send)),
    );
    this.#claiming = context.partitions.map(() => new LinkedSet());
  }

  async open(): Promise<void> {
    const { worker, leaseMs, queues } = this.#options;
    for (const { scripts } of this.#context.partitions) {
      this.#context.clock.heard(
        await openConsumer(scripts, { consumer: this.id, leaseMs, worker, queues }),
      );
    }
    this.#endReconnected = this.#context.onReconnected(() => {
      for (const partition of this.#context.partitions) this.#doubt(partition);
    });
  }

  async claim(max: number): Promise<ClaimOutcome> {
    if (this.#leaseLost) return { outcome: 'lease-lost' };
    const { partitions } = this.#context;
    const deliveries: Delivery[] = [];
    let nextDueAt: number | undefined;
    let mayHaveMore = false;
    const queues = this.#rotatedQueues();
    await this.#rounds.run(Math.min(max, MAX_CLAIM * partitions.length), async (index, share) => {
      const partition = partitions[index] as Partition;
      const limit = Math.min(share, this.#claimLimit);
      const reply = await this.#claimFrom(partition, queues, limit);
      if (reply.outcome === 'lease-lost') {
        this.#loseLease();
        return 0;
      }
      if (reply.now !== undefined) this.#context.clock.heard(reply.now);
      if (reply.fault !== undefined) this.#context.onFault(reply.fault);
      if (reply.nextDueAt !== undefined)
        nextDueAt = Math.min(nextDueAt ?? Infinity, reply.nextDueAt);
      if (reply.handOuts.length === limit) mayHaveMore = true;
      this.#learnSizes(reply.handOuts);
      for (const handOut of reply.handOuts) {
        const read = readHandOut(partition.index, handOut, this.#context.newTaskId);
        if ('detail' in read) {
          this.#reject(read);
        } else {
          this.#held.add(read);
          deliveries.push(read);
        }
      }
      return reply.handOuts.length;
    });
    this.#nextDueAt = nextDueAt;
    this.#watchCancels();
    // What other partitions handed out under a lease that is gone in one of them is given back at close.
    return this.#leaseLost
      ? { outcome: 'lease-lost' }
      : { outcome: 'claimed', deliveries, mayHaveMore, nextDueAt };
  }

  waitForWork(timeoutMs: number): Promise<void> {
    const { wakeListener, clock } = this.#context;
    // At least a millisecond, so that a due time that is past does not make the caller spin.
    const untilDueMs =
      this.#nextDueAt === undefined ? Infinity : Math.max(this.#nextDueAt - clock.now(), 1);
    return wakeListener.wait(Math.min(timeoutMs, untilDueMs));
  }

  stopWaiting(): void {
    this.#context.wakeListener.stop();
  }

  leaveOut(queues: readonly string[]): void {
    this.#queues = this.#options.queues.filter((queue) => !queues.includes(queue));
    this.#context.wakeListener.listenTo(this.#queues);
  }

  async renew(atLeastMs = 0): Promise<'renewed' | 'lease-lost'> {
    if (this.#leaseLost) return 'lease-lost';
    const leaseMs = Math.max(this.#options.leaseMs, atLeastMs);
    const replies = await Promise.all(
      this.#context.partitions.map(({ scripts }) => renew(scripts, this.id, leaseMs)),
    );
    for (const reply of replies) {
      if (reply === 'lease-lost') {
        this.#loseLease();
        return 'lease-lost';
      }
      this.#context.clock.heard(reply);
    }
    const now = performance.now();
    // A claim that counts as failed may be carried out late, and a worker that is busy does not claim.
    const everyMs = this.#options.leaseMs * (now < this.#inDoubtUntilMonotonicMs ? 1 / 4 : 2);
    if (now - this.#reconciledMonotonicMs > everyMs) {
      this.#reconciledMonotonicMs = now;
      for (const partition of this.#context.partitions) this.#uncertain.add(partition);
    }
    for (const partition of [...this.#uncertain]) {
      await this.#reconcile(partition).catch(() => undefined); // it stays uncertain
    }
    return this.#leaseLost ? 'lease-lost' : 'renewed';
  }

  complete(delivery: Delivery, success: Success): Promise<SettleOutcome> {
    return this.#settle(delivery, (held, settlers) =>
      settlers.completions.add(
        completionOf(
          held,
          success.ttlMs === 0 ? '' : this.#records.encode(held, success, this.#context.clock.now()),
          success.ttlMs,
          this.#unstagedUntilMonotonicMs,
        ),
      ),
    );
  }

  retry(delivery: Delivery, request: Retry): Promise<SettleOutcome> {
    return this.#settle(delivery, (held, { retries }) =>
      retries.add({ ...request, delivery: held }),
    );
  }

  fail(delivery: Delivery, death: Death): Promise<SettleOutcome> {
    return this.#settle(delivery, (held, { failures }) =>
      failures.add({ ...death, delivery: held, ttlMs: undefined }),
    );
  }

  abandon(delivery: Delivery, end: Abandonment): Promise<SettleOutcome> {
    return this.#settle(delivery, (held, { abandonments }) =>
      abandonments.add({ ...end, delivery: held, failure: undefined }),
    );
  }

  async release(delivery: Delivery): Promise<SettleOutcome> {
    try {
      return await this.#settle(delivery, (held, { releases }) => releases.add({ delivery: held }));
    } catch (error) {
      // Nobody would run it as long as we count as its holder.
      const held = delivery as RedisDelivery;
      this.#held.delete(held);
      this.#doubt(this.#context.partitions[held.partition] as Partition);
      throw error;
    }
  }

  async admit(delivery: Delivery, { key, intervalMs }: RateLimitOf): Promise<AdmitOutcome> {
    if (this.#leaseLost) return 'lease-lost';
    if (!this.#holds(delivery)) return 'not-held';
    const settlers = this.#settlers[delivery.partition] as Settlers;
    // Each partition hands out turns of its own; together they keep the limit.
    const shareMs = intervalMs * this.#context.partitions.length;
    const outcome = await settlers.admissions.add({ delivery, key, intervalMs: shareMs });
    if (outcome === 'lease-lost') this.#loseLease();
    if (outcome === 'postponed' || outcome === 'not-held') this.#held.delete(delivery);
    return outcome;
  }

  async reportProgress(delivery: Delivery, progress: Progress): Promise<void> {
    if (!this.#holds(delivery)) return;
    delivery.progress = progress;
    const { scripts } = this.#context.partitions[delivery.partition] as Partition;
    const reply = await reportProgress(scripts, this.id, [
      { delivery, progress, ttlMs: PROGRESS_TTL_MS },
    ]);
    if (reply === 'lease-lost') this.#loseLease();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.stopWaiting();
    // Outcomes of this tick go ahead of the call that gives everything else back.
    for (const settlers of this.#settlers) settlers.flush();
    this.#loseLease();
    this.#endReconnected?.();
    this.#context.onClosed(this);
    await Promise.all(
      this.#context.partitions.map(({ scripts }) =>
        closeConsumer(scripts, this.id, this.#options.queues),
      ),
    );
  }

  /** Passes a request to stop on, when it is about a task held here. */
  hearCancelRequest(id: string, request: CancelRequest): void {
    for (const delivery of this.#held.toArray()) {
      if (delivery.envelope.id !== id || delivery.isSettling) continue;
      const asks = request.terminate ? 'terminate' : 'asked';
      if (delivery.heardCancel === asks || delivery.heardCancel === 'terminate') continue;
      delivery.heardCancel = asks;
      this.#options.onCancelRequested?.(id, request);
    }
  }

  /** Looks for requests to stop while there is anything to stop. */
  #watchCancels(): void {
    if (this.#cancelCheck || this.#held.size === 0 || this.#leaseLost) return;
    this.#cancelCheck = setTimeout(() => {
      this.#checkCancels()
        .catch(() => undefined) // asked again; that the broker is away others say
        .finally(() => {
          this.#cancelCheck = undefined;
          this.#watchCancels();
        });
    }, CANCEL_CHECK_MS).unref();
  }

  async #checkCancels(): Promise<void> {
    const ids: string[][] = this.#context.partitions.map(() => []);
    for (const { partition, envelope, isSettling, heardCancel } of this.#held.toArray()) {
      if (!isSettling && heardCancel !== 'terminate') ids[partition]?.push(envelope.id);
    }
    for (const { index, scripts } of this.#context.partitions) {
      const asked = ids[index] ?? [];
      for (let from = 0; from < asked.length; from += CANCEL_CHECK_BUDGET) {
        const found = await checkCancels(scripts, asked.slice(from, from + CANCEL_CHECK_BUDGET));
        for (const text of found) {
          const request = readCancelRequest(text);
          if (request) this.hearCancelRequest(request.id, request);
        }
      }
    }
  }

  get #claimLimit(): number {
    return Math.max(1, Math.min(MAX_CLAIM, Math.floor(CLAIM_BYTES / this.#taskBytes)));
  }

  #learnSizes(handOuts: readonly HandOut[]): void {
    if (handOuts.length === 0) return;
    let bytes = 0;
    for (const { text } of handOuts) bytes += text.length;
    this.#taskBytes = (this.#taskBytes + bytes / handOuts.length) / 2;
  }

  /** Queues take turns in being asked first, so that a busy one does not starve those behind it. */
  #rotatedQueues(): readonly string[] {
    const queues = this.#queues;
    if (queues.length === 1) return queues;
    const from = this.#queueRotation++ % queues.length;
    return [...queues.slice(from), ...queues.slice(0, from)];
  }

  async #claimFrom(
    partition: Partition,
    queues: readonly string[],
    max: number,
  ): ReturnType<typeof claim> {
    // Looked at again each time: from here to the claim nothing may come between.
    while (!this.#leaseLost && this.#mustReconcile(partition)) await this.#reconcile(partition);
    if (this.#leaseLost) return { outcome: 'lease-lost', completed: [] };
    // What was settled in this tick makes room first: completions travel with the claim, and the server
    // carries the other calls out before it.
    const settlers = this.#settlers[partition.index] as Settlers;
    const passengers = settlers.takeCompletions();
    settlers.flush();
    const claiming = this.#claiming[partition.index] as LinkedSet<ClaimUnderWay>;
    const claimed = claim(partition.scripts, {
      consumer: this.id,
      queues,
      max,
      maxMessageBytes: this.#context.maxMessageBytes,
      dueBudget: DUE_BUDGET,
      expiredTtlMs: this.#context.expiredTtlMs,
      completions: passengers?.items ?? [],
    });
    if (passengers) this.#followPassengers(partition, passengers, claimed);
    const underWay = new ClaimUnderWay(claimed);
    claiming.add(underWay);
    try {
      return await claimed;
    } catch (error) {
      this.#doubt(partition);
      throw error;
    } finally {
      claiming.delete(underWay);
    }
  }

  /** A claim may not be repeated, completions may: without an answer they set out on their own. */
  #followPassengers(
    { scripts }: Partition,
    { items, arrive }: Passengers<Completion, SettleOutcome>,
    claimed: ReturnType<typeof claim>,
  ): void {
    const deliveries = items.map(({ delivery }) => delivery);
    arrive(
      this.#settleBatch(deliveries, () =>
        claimed.then(
          ({ completed }) => completed,
          () => complete(scripts, this.id, items),
        ),
      ),
    );
  }

  #doubt(partition: Partition): void {
    this.#uncertain.add(partition);
    this.#inDoubtUntilMonotonicMs = performance.now() + this.#options.leaseMs;
  }

  #mustReconcile(partition: Partition): boolean {
    return this.#uncertain.has(partition) || this.#reconciling.has(partition);
  }

  /**
   * Gives back what the server says we hold and we do not know. It waits for claims that are under way,
   * and those that come later wait for it: their tasks would be taken for unknown.
   */
  #reconcile(partition: Partition): Promise<void> {
    const underWay = this.#reconciling.get(partition);
    if (underWay) return underWay;
    const reconciled = this.#giveBackUnknown(partition).finally(() =>
      this.#reconciling.delete(partition),
    );
    this.#reconciling.set(partition, reconciled);
    return reconciled;
  }

  async #giveBackUnknown(partition: Partition): Promise<void> {
    const claiming = this.#claiming[partition.index] as LinkedSet<ClaimUnderWay>;
    await Promise.allSettled(claiming.toArray().map(({ answer }) => answer));
    // What those claims brought is known a moment after their answers.
    await new Promise((resolve) => process.nextTick(resolve));
    if (this.#leaseLost) return;
    this.#uncertain.delete(partition);
    const held = this.#held.toArray().filter((delivery) => delivery.partition === partition.index);
    try {
      const reply = await reconcile(partition.scripts, this.id, this.#options.queues, held);
      if (reply === 'lease-lost') this.#loseLease();
    } catch (error) {
      this.#doubt(partition);
      throw error;
    }
  }

  #holds(delivery: Delivery): delivery is RedisDelivery {
    return this.#held.has(delivery as RedisDelivery) && !(delivery as RedisDelivery).isSettling;
  }

  #settle(
    delivery: Delivery,
    send: (held: RedisDelivery, settlers: Settlers) => Promise<SettleOutcome>,
  ): Promise<SettleOutcome> {
    if (this.#leaseLost) return LEASE_LOST;
    if (!this.#holds(delivery)) return NOT_HELD;
    delivery.isSettling = true;
    return send(delivery, this.#settlers[delivery.partition] as Settlers);
  }

  /** Carries a batch out; a lost lease ends everything, a failed call leaves the tasks in our hands. */
  async #settleBatch(
    deliveries: readonly RedisDelivery[],
    send: () => Promise<readonly SettleOutcome[]>,
  ): Promise<readonly SettleOutcome[]> {
    try {
      const outcomes = await send();
      if (outcomes[0] === 'lease-lost') this.#loseLease();
      else for (const delivery of deliveries) this.#held.delete(delivery);
      return outcomes;
    } catch (error) {
      for (const delivery of deliveries) {
        delivery.isSettling = false;
        delivery.hasFailedToSettle = true;
      }
      if (isUnstaged(error)) this.#unstagedUntilMonotonicMs = performance.now() + UNSTAGED_MS;
      throw error;
    }
  }

  #loseLease(): void {
    this.#leaseLost = true;
    this.#held.clear();
    clearTimeout(this.#cancelCheck);
  }

  /** Dead-letters what cannot be run. */
  #reject({ delivery, reason, detail }: Unreadable): void {
    const { partition, queue, envelope } = delivery;
    delivery.isSettling = true;
    this.#held.add(delivery);
    (this.#settlers[partition] as Settlers).failures
      .add({
        delivery,
        failure: { name: 'UnreadableRecordError', message: `The record cannot be read: ${detail}` },
        reason,
        startedAt: this.#context.clock.now(),
        ttlMs: undefined,
      })
      .then(
        () => this.#options.onRejected?.({ id: envelope.id, queue, reason, detail }),
        (error: unknown) => {
          // Given back when the connection is reconciled, and met again.
          this.#held.delete(delivery);
          this.#doubt(this.#context.partitions[partition] as Partition);
          this.#context.onFault(String(error));
        },
      );
  }
}

class ClaimUnderWay extends Linked {
  constructor(readonly answer: Promise<unknown>) {
    super();
  }
}

/** Reads a request to stop a task that came from Redis; nothing when it is none. */
export function readCancelRequest(text: string): (CancelRequest & { id: string }) | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return undefined;
  }
  const { id, reason, terminate, ttlMs } = (parsed ?? {}) as Record<string, unknown>;
  if (typeof id !== 'string' || typeof reason !== 'string' || typeof ttlMs !== 'number') {
    return undefined;
  }
  return { id, reason, terminate: terminate === true, ttlMs };
}

const LEASE_LOST = Promise.resolve<SettleOutcome>('lease-lost');
const NOT_HELD = Promise.resolve<SettleOutcome>('not-held');
