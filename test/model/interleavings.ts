import type {
  Broker,
  CancelOutcome,
  ClaimOutcome,
  Consumer,
  Delivery,
  SettleOutcome,
  TaskRecord,
} from '../../libs/stem/src/broker/broker.js';
import { isTerminal } from '../../libs/stem/src/core/task-state.js';
import { abandonment, cancelRequest, death, retry, success } from '../contract/broker-harness.js';
import { newTask } from '../support/new-task.js';

/** Where the steps are carried out. */
export interface World {
  readonly broker: Broker;
  /** Makes every lease that is held now run out, by the broker's clock. */
  expireLeases(): Promise<void>;
}

export type SettleVerb = 'complete' | 'retry' | 'fail' | 'abandon' | 'release';

/** One step of an actor; a worker settles what its last claim has brought, if anything. */
export type Step =
  'claim' | 'renew' | SettleVerb | 'close' | 'reclaim' | 'cancel' | 'time' | 'settleDue';

export type ActorName = 'one' | 'two' | 'reclaimer' | 'canceller' | 'clock';

/** What each actor does, in this order; how the actors' steps mix is left to {@link interleavingsOf}. */
export type Scenario = Partial<Record<ActorName, readonly Step[]>>;

/** Longer than any run takes by the real clock. */
const LEASE_MS = 3_600_000;
/** Longer than all leases of a run. */
const KEPT_MS = 100 * LEASE_MS;
const MAX_LOSSES = 3;

/** Every order in which the actors' steps can mix, depth first. */
export function* interleavingsOf(scenario: Scenario): Generator<ActorName[]> {
  const left = Object.entries(scenario).map(([name, steps]) => ({
    name: name as ActorName,
    count: steps.length,
  }));
  const order: ActorName[] = [];
  function* descend(): Generator<ActorName[]> {
    let isEnd = true;
    for (const actor of left) {
      if (actor.count === 0) continue;
      isEnd = false;
      actor.count--;
      order.push(actor.name);
      yield* descend();
      order.pop();
      actor.count++;
    }
    if (isEnd) yield [...order];
  }
  yield* descend();
}

/** How many there are. */
export function countOf(scenario: Scenario): number {
  const factorial = (n: number): number => (n < 2 ? 1 : n * factorial(n - 1));
  const lengths = Object.values(scenario).map((steps) => steps.length);
  return lengths.reduce(
    (count, length) => count / factorial(length),
    factorial(lengths.reduce((sum, length) => sum + length, 0)),
  );
}

let queues = 0;

/** Carries one interleaving out, and checks after each step what must hold always. */
export async function play(
  world: World,
  scenario: Scenario,
  order: readonly ActorName[],
): Promise<TaskRecord> {
  const { broker } = world;
  const queue = `model-${++queues}`;
  const task = newTask(broker, { queue });
  await broker.enqueue([task]);
  const run = new Run(world, queue, task.id);
  await run.open();
  const next = new Map<ActorName, number>();
  try {
    for (const actor of order) {
      const index = next.get(actor) ?? 0;
      next.set(actor, index + 1);
      await run.step(actor, scenario[actor]?.[index] as Step);
    }
    return await run.finish();
  } catch (error) {
    throw new Error(`${(error as Error).message}\nafter ${run.trace.join(', ')}`, { cause: error });
  } finally {
    await run.close();
  }
}

interface WorkerModel {
  consumer: Consumer;
  delivery: Delivery | undefined;
  /** Its lease was taken away or given up, as an answer told. */
  isGone: boolean;
}

/** What the answers so far allow to conclude; compared with each further answer and with the record. */
class Run {
  readonly trace: string[] = [];
  readonly #world: World;
  readonly #queue: string;
  readonly #id: string;
  readonly #workers = new Map<ActorName, WorkerModel>();
  #owner: WorkerModel | undefined;
  #ended: TaskRecord | undefined;
  #ends = 0;
  #isCancelled = false;

  constructor(world: World, queue: string, id: string) {
    this.#world = world;
    this.#queue = queue;
    this.#id = id;
  }

  async open(): Promise<void> {
    for (const name of ['one', 'two'] as const)
      this.#workers.set(name, await this.#newWorker(name));
  }

  async step(actor: ActorName, step: Step): Promise<void> {
    const before = await this.#record();
    const answer = await this.#act(actor, step);
    this.trace.push(`${actor} ${step}: ${answer}`);
    const after = await this.#record();
    const isRefusal = answer === 'lease-lost' || answer === 'not-held' || answer === 'nothing held';
    if (isRefusal && JSON.stringify(before) !== JSON.stringify(after)) {
      throw new Error(`A refused step changed the task from ${before.state} to ${after.state}`);
    }
    if (this.#ended && JSON.stringify(this.#ended) !== JSON.stringify(after)) {
      throw new Error(`The task had ended as ${this.#ended.state} and is ${after.state} now`);
    }
    if (!this.#ended && isTerminal(after.state)) {
      this.#ended = after;
      this.#ends++;
      this.#owner = undefined;
    }
    if (this.#ends > 1) throw new Error('The task ended twice');
    if ((after.state === 'running') !== (this.#owner !== undefined)) {
      throw new Error(
        `The task is ${after.state}, but ${this.#owner ? 'somebody holds' : 'nobody holds'} it`,
      );
    }
    if (this.#owner && after.worker !== this.#owner.consumer.id) {
      throw new Error(`${after.worker} runs the task that ${this.#owner.consumer.id} holds`);
    }
    if (after.deliveries - after.attempt > MAX_LOSSES) throw new Error('It was lost too often');
  }

  /** Lets all that is due come about, with a worker that lives: then nothing may be open. */
  async finish(): Promise<TaskRecord> {
    await this.step('clock', 'time');
    await this.step('reclaimer', 'reclaim');
    this.#workers.set('one', await this.#newWorker('last'));
    await this.step('one', 'claim');
    await this.step('one', 'complete');
    const record = await this.#record();
    if (!isTerminal(record.state)) throw new Error(`The task stays ${record.state} for ever`);
    return record;
  }

  async close(): Promise<void> {
    for (const { consumer } of this.#workers.values()) await consumer.close();
  }

  async #newWorker(name: string): Promise<WorkerModel> {
    const consumer = await this.#world.broker.openConsumer({
      worker: name,
      queues: [this.#queue],
      leaseMs: LEASE_MS,
    });
    return { consumer, delivery: undefined, isGone: false };
  }

  async #act(actor: ActorName, step: Step): Promise<string> {
    const { broker } = this.#world;
    const worker = this.#workers.get(actor);
    switch (step) {
      case 'time':
        await this.#world.expireLeases();
        return 'passed';
      case 'settleDue':
        await broker.settleDue(this.#queue);
        return 'done';
      case 'reclaim': {
        const { consumers } = await broker.reclaim({ maxLosses: MAX_LOSSES });
        for (const one of this.#workers.values()) {
          if (consumers.includes(one.consumer.id)) this.#lose(one);
        }
        return `${consumers.length} lost`;
      }
      case 'cancel':
        return this.#cancelled(await broker.cancel(this.#id, cancelRequest({ ttlMs: KEPT_MS })));
      case 'claim':
        return this.#claimed(
          worker as WorkerModel,
          await (worker as WorkerModel).consumer.claim(1),
        );
      case 'renew': {
        const { consumer, isGone } = worker as WorkerModel;
        const answer = await consumer.renew();
        if ((answer === 'lease-lost') !== isGone)
          throw new Error(`Renewing was answered ${answer}`);
        return answer;
      }
      case 'close':
        await worker?.consumer.close();
        if (worker) this.#lose(worker);
        return 'closed';
      default:
        return this.#settle(worker as WorkerModel, step);
    }
  }

  #claimed(worker: WorkerModel, outcome: ClaimOutcome): string {
    if (outcome.outcome === 'lease-lost') {
      if (!worker.isGone) throw new Error('A claim was refused under a lease that nobody took');
      return 'lease-lost';
    }
    if (worker.isGone) throw new Error('A worker without a lease was answered');
    const [delivery] = outcome.deliveries;
    if (!delivery) return 'nothing';
    if (this.#owner) throw new Error('The task was handed out while somebody held it');
    if (this.#ended) throw new Error('A task that had ended was handed out');
    if (this.#isCancelled) throw new Error('A cancelled task was handed out');
    worker.delivery = delivery;
    this.#owner = worker;
    return 'claimed';
  }

  #cancelled(outcome: CancelOutcome): string {
    const expected = this.#ended ? 'ended' : this.#owner ? 'requested' : 'cancelled';
    if (outcome !== expected)
      throw new Error(`Cancelling was answered ${outcome}, not ${expected}`);
    this.#isCancelled = true;
    return outcome;
  }

  async #settle(worker: WorkerModel, verb: SettleVerb): Promise<string> {
    const { consumer, delivery } = worker;
    if (!delivery) return 'nothing held';
    const owns = this.#owner === worker;
    const outcome = await settle(consumer, delivery, verb);
    const expected: SettleOutcome = worker.isGone ? 'lease-lost' : owns ? 'settled' : 'not-held';
    if (outcome !== expected) throw new Error(`${verb} was answered ${outcome}, not ${expected}`);
    if (owns) this.#owner = undefined;
    return outcome;
  }

  #lose(worker: WorkerModel): void {
    worker.isGone = true;
    if (this.#owner === worker) this.#owner = undefined;
  }

  async #record(): Promise<TaskRecord> {
    const record = await this.#world.broker.find(this.#id);
    if (!record) throw new Error('The task is not known any more');
    return record;
  }
}

function settle(consumer: Consumer, delivery: Delivery, verb: SettleVerb): Promise<SettleOutcome> {
  switch (verb) {
    case 'complete':
      return consumer.complete(delivery, success({ ttlMs: KEPT_MS }));
    case 'retry':
      return consumer.retry(delivery, retry({ ttlMs: KEPT_MS }));
    case 'fail':
      return consumer.fail(delivery, death());
    case 'abandon':
      return consumer.abandon(delivery, { ...abandonment, ttlMs: KEPT_MS });
    case 'release':
      return consumer.release(delivery);
  }
}
