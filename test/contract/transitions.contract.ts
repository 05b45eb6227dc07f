import {
  isLegal,
  TASK_STATES,
  type TaskState,
  type Transition,
  TRANSITIONS,
  type Verb,
} from '../../libs/stem/src/core/task-state.js';
import { newTask, TEST_QUEUE } from '../support/new-task.js';
import {
  abandonment,
  type BrokerHarness,
  cancelRequest,
  claim,
  claimOne,
  death,
  type Held,
  idsOf,
  LONG_MS,
  retry,
  type Stage,
  success,
  useStage,
} from './broker-harness.js';

/** When the clock-driven verbs strike; enough to bring a task into any state before. */
const SOON_MS = 150;
const PAST_SOON_MS = 200;

/** What a task goes through on its way into a state. */
interface Way {
  readonly delayMs: number;
  readonly expiresInMs: number | undefined;
  /** Of the consumer that holds it, or did. */
  readonly leaseMs: number;
}

const CALM: Way = { delayMs: LONG_MS, expiresInMs: undefined, leaseMs: LONG_MS };

const held = (stage: Stage, { expiresInMs, leaseMs }: Way): Promise<Held> =>
  stage.running({ expiresInMs }, { leaseMs });

/** Ways into each state. Tasks that were handed out before come with that delivery. */
const BRING: Record<
  TaskState,
  (stage: Stage, way: Way) => Promise<{ id: string } & Partial<Held>>
> = {
  scheduled: async (stage, { delayMs, expiresInMs }) => ({
    id: await stage.enqueue({ delayMs, expiresInMs }),
  }),
  queued: async (stage, { expiresInMs }) => ({ id: await stage.enqueue({ expiresInMs }) }),
  running: held,
  retrying: async (stage, way) => {
    const task = await held(stage, way);
    await task.consumer.retry(task.delivery, retry({ delayMs: way.delayMs }));
    return task;
  },
  succeeded: async (stage, way) => {
    const task = await held(stage, way);
    await task.consumer.complete(task.delivery, success());
    return task;
  },
  failed: async (stage, way) => {
    const task = await held(stage, way);
    await task.consumer.fail(task.delivery, death());
    return task;
  },
  cancelled: async (stage, way) => {
    const task = await held(stage, way);
    await stage.broker.cancel(task.id, cancelRequest());
    await task.consumer.abandon(task.delivery, abandonment);
    return task;
  },
  expired: async (stage) => {
    const id = await stage.enqueue({ expiresInMs: 1 });
    await stage.advance(5);
    await stage.broker.settleDue(TEST_QUEUE);
    return { id };
  },
};

/** The same for states that a task is usually in before anybody held it. */
const BRING_BACK: Partial<Record<TaskState, (stage: Stage, way: Way) => Promise<Held>>> = {
  scheduled: async (stage, way) => {
    const task = await held(stage, way);
    await task.consumer.fail(task.delivery, death());
    await stage.broker.replay([task.id], { delayMs: way.delayMs });
    return task;
  },
  queued: async (stage, way) => {
    const task = await held(stage, way);
    await task.consumer.release(task.delivery);
    return task;
  },
  expired: async (stage, way) => {
    const task = await held(stage, { ...way, expiresInMs: SOON_MS });
    await task.consumer.release(task.delivery);
    await stage.advance(PAST_SOON_MS);
    await stage.broker.settleDue(TEST_QUEUE);
    return task;
  },
};

/** One attempt at a transition. */
interface Driver {
  readonly way?: Partial<Way>;
  readonly attempt: (stage: Stage, task: { id: string } & Held) => Promise<unknown>;
  /** Answer and state afterwards where the transition is legal. */
  readonly done: (from: TaskState) => { answer: unknown; state: TaskState };
  /** Answer where it is not. */
  readonly refused: (from: TaskState) => unknown;
}

const NOT_HELD = (): unknown => 'not-held';
const settled = (state: TaskState) => () => ({ answer: 'settled', state });

const DRIVERS: Record<Verb, Driver> = {
  enqueue: {
    attempt: async ({ broker }, { id }) =>
      (await broker.enqueue([newTask(broker, { id, args: 'another' })]))[0]?.created,
    done: () => ({ answer: true, state: 'queued' }),
    refused: () => false,
  },
  promote: {
    way: { delayMs: SOON_MS },
    attempt: async ({ broker, advance }) => {
      await advance(PAST_SOON_MS);
      return broker.settleDue(TEST_QUEUE);
    },
    done: () => ({ answer: { promoted: 1, expired: 0 }, state: 'queued' }),
    refused: () => ({ promoted: 0, expired: 0 }),
  },
  expire: {
    way: { expiresInMs: SOON_MS },
    attempt: async ({ broker, advance }) => {
      await advance(PAST_SOON_MS);
      return broker.settleDue(TEST_QUEUE);
    },
    done: () => ({ answer: { promoted: 0, expired: 1 }, state: 'expired' }),
    refused: () => ({ promoted: 0, expired: 0 }),
  },
  claim: {
    attempt: async (stage) => (await claim(await stage.consumer(), 1)).length,
    done: () => ({ answer: 1, state: 'running' }),
    refused: () => 0,
  },
  renew: {
    attempt: (_stage, { consumer }) => consumer.renew(),
    done: () => ({ answer: 'renewed', state: 'running' }),
    // The lease is the consumer's, whatever it holds; a task it does not hold is not touched.
    refused: () => 'renewed',
  },
  complete: {
    attempt: (_stage, { consumer, delivery }) => consumer.complete(delivery, success()),
    done: settled('succeeded'),
    refused: NOT_HELD,
  },
  retry: {
    attempt: (_stage, { consumer, delivery }) => consumer.retry(delivery, retry()),
    done: settled('retrying'),
    refused: NOT_HELD,
  },
  fail: {
    attempt: (_stage, { consumer, delivery }) => consumer.fail(delivery, death()),
    done: settled('failed'),
    refused: NOT_HELD,
  },
  abandon: {
    attempt: (_stage, { consumer, delivery }) => consumer.abandon(delivery, abandonment),
    done: settled('cancelled'),
    refused: NOT_HELD,
  },
  postpone: {
    attempt: async (_stage, { consumer, delivery }) => {
      const limit = { key: 'test.limit', intervalMs: 60_000 };
      await consumer.admit(delivery, limit); // takes the turn that is free now
      return consumer.admit(delivery, limit);
    },
    done: () => ({ answer: 'postponed', state: 'scheduled' }),
    refused: NOT_HELD,
  },
  release: {
    attempt: (_stage, { consumer, delivery }) => consumer.release(delivery),
    done: settled('queued'),
    refused: NOT_HELD,
  },
  reclaim: {
    way: { leaseMs: SOON_MS },
    attempt: async ({ broker, advance }) => {
      await advance(PAST_SOON_MS);
      const { requeued, deadLettered } = await broker.reclaim({ maxLosses: 3 });
      return { requeued, deadLettered };
    },
    done: () => ({ answer: { requeued: 1, deadLettered: [] }, state: 'queued' }),
    refused: () => ({ requeued: 0, deadLettered: [] }),
  },
  cancel: {
    attempt: ({ broker }, { id }) => broker.cancel(id, cancelRequest()),
    done: (from) =>
      from === 'running'
        ? { answer: 'requested', state: 'running' }
        : { answer: 'cancelled', state: 'cancelled' },
    refused: () => 'ended',
  },
  replay: {
    attempt: async ({ broker }, { id }) => (await broker.replay([id], { delayMs: 0 }))[0],
    done: () => ({ answer: 'replayed', state: 'queued' }),
    refused: () => 'not-dead',
  },
};

/** Verbs that a consumer applies to what it was handed, so they need something handed out. */
const isByHolder = (verb: Verb): boolean => TRANSITIONS[verb].owned;

/** Every pair of the transition table, the legal and the illegal ones. */
export function transitionsContract(harness: BrokerHarness): void {
  const verbs = Object.keys(TRANSITIONS) as Verb[];

  describe.each(verbs)('%s', (verb) => {
    const stage = useStage(harness);
    const { way, attempt, done, refused } = DRIVERS[verb];

    const arrange = async (state: TaskState): Promise<{ id: string } & Held> => {
      const bring = (isByHolder(verb) ? BRING_BACK[state] : undefined) ?? BRING[state];
      const task = await bring(stage, { ...CALM, ...way });
      expect(await stage.record(task.id)).toMatchObject({ state });
      return task as { id: string } & Held;
    };

    for (const from of TASK_STATES) {
      if (isLegal(verb, from)) {
        it(`is legal from ${from}`, async () => {
          const task = await arrange(from);
          const expected = done(from);

          expect(await attempt(stage, task)).toEqual(expected.answer);

          expect(await stage.record(task.id)).toMatchObject({ state: expected.state });
          const { to }: Transition = TRANSITIONS[verb];
          expect(to).toContain(expected.state);
        });
      } else {
        it(`is refused from ${from}, and changes nothing`, async () => {
          const task = await arrange(from);
          const before = await stage.record(task.id);

          expect(await attempt(stage, task)).toEqual(refused(from));

          expect(await stage.record(task.id)).toEqual(before);
        });
      }
    }
  });

  describe('of a task that does not exist', () => {
    const stage = useStage(harness);

    it('enqueue is legal', async () => {
      const id = stage.broker.newTaskId();

      expect(await DRIVERS.enqueue.attempt(stage, { id } as Held)).toBe(true);

      expect(await stage.record(id)).toMatchObject({ state: 'queued' });
    });

    it('cancel answers not-found and replay not-dead', async () => {
      const id = stage.broker.newTaskId();

      expect(await stage.broker.cancel(id, cancelRequest())).toBe('not-found');
      expect(await stage.broker.replay([id], { delayMs: 0 })).toEqual(['not-dead']);

      expect(await stage.broker.find(id)).toBeUndefined();
      expect(idsOf(await claim(await stage.consumer(), 1))).toEqual([]);
    });

    it.each(['complete', 'retry', 'fail', 'abandon', 'release'] as const)(
      '%s answers not-held when the task was discarded meanwhile',
      async (verb) => {
        const task = await BRING.failed(stage, CALM);
        expect(await stage.broker.discardDeadLetters([task.id])).toBe(1);

        expect(await DRIVERS[verb].attempt(stage, task as Held)).toBe('not-held');

        expect(await stage.broker.find(task.id)).toBeUndefined();
      },
    );
  });

  describe('life of a task', () => {
    const stage = useStage(harness);

    it('shows every state on the way to a result', async () => {
      const id = await stage.enqueue({ name: 'email.send', args: [1, 'two'], delayMs: 20 });
      expect(await stage.record(id)).toMatchObject({
        state: 'scheduled',
        attempt: 0,
        deliveries: 0,
      });
      await stage.advance(30);
      const consumer = await stage.consumer();

      const first = await claimOne(consumer);
      expect(first).toMatchObject({
        envelope: { id, name: 'email.send', args: [1, 'two'] },
        queue: TEST_QUEUE,
        priority: 0,
        attempt: 0,
        deliveries: 1,
        replays: 0,
      });
      expect(await stage.record(id)).toMatchObject({ state: 'running', worker: consumer.id });

      await consumer.retry(first, retry());
      expect(await stage.record(id)).toMatchObject({
        state: 'retrying',
        attempt: 1,
        failure: { name: 'Error', message: 'not this time' },
      });

      const second = await claimOne(consumer);
      expect(second).toMatchObject({ attempt: 1, deliveries: 2, enqueuedAt: first.enqueuedAt });
      await consumer.complete(second, success({ result: '{"sent":true}', startedAt: 1_234 }));
      const record = await stage.record(id);
      expect(record).toMatchObject({
        id,
        name: 'email.send',
        queue: TEST_QUEUE,
        state: 'succeeded',
        args: [1, 'two'],
        attempt: 1,
        deliveries: 2,
        result: '{"sent":true}',
        startedAt: 1_234,
        worker: consumer.id,
        enqueuedAt: first.enqueuedAt,
      });
      expect(record.finishedAt).toBeGreaterThanOrEqual(first.enqueuedAt + 20);
    });
  });
}
