import type { CancelRequest, Delivery } from '../../libs/stem/src/broker/broker.js';
import { TEST_QUEUE } from '../support/new-task.js';
import {
  abandonment,
  type BrokerHarness,
  cancelRequest,
  claim,
  claimOne,
  death,
  eventually,
  idsOf,
  LONG_MS,
  retry,
  success,
  useStage,
} from './broker-harness.js';

/** What people do to queues and tasks from outside. */
export function queuesAndCancelContract(harness: BrokerHarness): void {
  const stage = useStage(harness);

  describe('a paused queue', () => {
    it('accepts tasks and hands none out until it is resumed, on every broker', async () => {
      const before = await stage.enqueue();
      await stage.other.pauseQueue(TEST_QUEUE);
      const after = await stage.enqueue();
      const consumer = await stage.consumer();

      expect(await claim(consumer, 2)).toEqual([]);
      expect(await stage.broker.queueStats(TEST_QUEUE)).toMatchObject({ paused: true, queued: 2 });

      await stage.other.resumeQueue(TEST_QUEUE);
      expect(await stage.broker.queueStats(TEST_QUEUE)).toMatchObject({ paused: false });
      expect(idsOf(await claim(consumer, 2)).sort()).toEqual([before, after].sort());
    });

    it('lets running tasks go on, and their retries wait', async () => {
      const { id, consumer, delivery } = await stage.running();
      await stage.broker.pauseQueue(TEST_QUEUE);

      expect(await consumer.retry(delivery, retry())).toBe('settled');
      expect(await claim(consumer, 1)).toEqual([]);

      await stage.broker.resumeQueue(TEST_QUEUE);
      expect(await consumer.complete(await claimOne(consumer), success())).toBe('settled');
      expect(await stage.record(id)).toMatchObject({ state: 'succeeded' });
    });

    it('does not hold up another one', async () => {
      await stage.enqueue({ queue: 'halted' });
      const id = await stage.enqueue({ queue: 'moving' });
      await stage.broker.pauseQueue('halted');

      const consumer = await stage.consumer({ queues: ['halted', 'moving'] });

      expect(idsOf(await claim(consumer, 2))).toEqual([id]);
    });
  });

  describe('a queue that a consumer leaves out', () => {
    it('is served by others, and by it again afterwards', async () => {
      const consumer = await stage.consumer({ queues: ['out', 'in'] });
      consumer.leaveOut(['out']);
      const out = await stage.enqueue({ queue: 'out' });
      const inside = await stage.enqueue({ queue: 'in' });

      expect(idsOf(await claim(consumer, 2))).toEqual([inside]);
      expect(await stage.broker.queueStats('out')).toMatchObject({ paused: false, queued: 1 });
      expect(idsOf(await claim(await stage.consumer({ queues: ['out'] }), 1))).toEqual([out]);

      const later = await stage.enqueue({ queue: 'out' });
      consumer.leaveOut([]);
      expect(idsOf(await claim(consumer, 1))).toEqual([later]);
    });

    it('leaves nothing to claim when it is the only one', async () => {
      const { id, consumer, delivery } = await stage.running();
      consumer.leaveOut([TEST_QUEUE]);
      await stage.enqueue();

      expect(await claim(consumer, 1)).toEqual([]);
      expect(await consumer.complete(delivery, success())).toBe('settled');
      expect(await stage.record(id)).toMatchObject({ state: 'succeeded' });
    });

    it('does not wake it, but wakes the next one who waits for it', async () => {
      const consumer = await stage.consumer();
      const other = await stage.consumer();
      await claim(consumer, 1);
      await claim(other, 1);
      let isAwake = false;
      const left = consumer.waitForWork(LONG_MS);
      consumer.leaveOut([TEST_QUEUE]);
      await left;
      const sleep = consumer.waitForWork(LONG_MS).then(() => (isAwake = true));
      const woken = other.waitForWork(LONG_MS);
      const id = await stage.enqueue();
      await woken;

      expect(isAwake).toBe(false);
      expect(idsOf(await claim(other, 1))).toEqual([id]);
      await stage.enqueue();
      consumer.leaveOut([]);
      await sleep;
      expect(await claim(consumer, 1)).toHaveLength(1);
    });
  });

  describe('a purge', () => {
    it('cancels whatever waits, and leaves what runs', async () => {
      const running = await stage.running();
      const retrying = await stage.running();
      await retrying.consumer.retry(retrying.delivery, retry({ delayMs: LONG_MS }));
      const waiting = [
        retrying.id,
        await stage.enqueue(),
        await stage.enqueue({ priority: 9 }),
        await stage.enqueue({ delayMs: LONG_MS }),
      ];
      const elsewhere = await stage.enqueue({ queue: 'another' });

      expect(await stage.broker.purgeQueue(TEST_QUEUE)).toBe(4);

      for (const id of waiting) {
        expect(await stage.record(id)).toMatchObject({ state: 'cancelled', reason: 'purged' });
      }
      expect(await stage.record(running.id)).toMatchObject({ state: 'running' });
      expect(await stage.record(elsewhere)).toMatchObject({ state: 'queued' });
      expect(await claim(await stage.consumer(), 5)).toEqual([]);
      expect(await running.consumer.complete(running.delivery, success())).toBe('settled');
    });

    it('of a queue that was never used finds nothing', async () => {
      expect(await stage.broker.purgeQueue('never used')).toBe(0);
    });
  });

  describe('the numbers of a queue', () => {
    const NONE = {
      paused: false,
      queued: 0,
      scheduled: 0,
      running: 0,
      deadLetters: 0,
      succeeded: 0,
      failed: 0,
      retried: 0,
    };

    it('are zero when it was never used', async () => {
      expect(await stage.broker.queueStats('never used')).toEqual({ name: 'never used', ...NONE });
      expect(await stage.broker.settleDue('never used')).toEqual({ promoted: 0, expired: 0 });
    });

    it('count tasks by what they do, and ends', async () => {
      const consumer = await stage.consumer();
      const run = async (): ReturnType<typeof claimOne> => {
        await stage.enqueue({ priority: 9 });
        return claimOne(consumer);
      };
      await consumer.complete(await run(), success());
      await consumer.complete(await run(), success({ ttlMs: 0 }));
      await consumer.fail(await run(), death());
      await consumer.retry(await run(), retry({ delayMs: LONG_MS }));
      await run();
      await stage.enqueue();
      await stage.enqueue({ priority: 3 });
      await stage.enqueue({ delayMs: LONG_MS });

      expect(await stage.other.queueStats(TEST_QUEUE)).toEqual({
        name: TEST_QUEUE,
        paused: false,
        queued: 2,
        scheduled: 2,
        running: 1,
        deadLetters: 1,
        succeeded: 2,
        failed: 1,
        retried: 1,
        oldestReadyAt: expect.any(Number),
      });
    });

    it('tell since when the oldest ready task has been ready', async () => {
      const since = async (): Promise<number | undefined> =>
        (await stage.other.queueStats(TEST_QUEUE)).oldestReadyAt;
      await stage.enqueue({ delayMs: LONG_MS });
      expect(await since()).toBeUndefined();
      await stage.enqueue({ priority: 2 });
      const first = await since();
      await stage.advance(20);
      await stage.enqueue({ priority: 9 });
      expect(first).toEqual(expect.any(Number));
      expect(await since()).toBe(first);

      // Given back, a task has been ready all the time.
      const consumer = await stage.consumer();
      const deliveries = [await claimOne(consumer), await claimOne(consumer)];
      expect(await since()).toBeUndefined();
      const [older] = deliveries.filter(({ readyAt }) => readyAt === first);
      await consumer.release(older as Delivery);
      expect(await since()).toBe(first);
    });

    it('are listed for every queue that was used', async () => {
      await stage.enqueue({ queue: 'one' });
      await stage.enqueue({ queue: 'two', delayMs: LONG_MS });

      const queues = await stage.other.listQueues();

      expect(queues).toEqual(
        expect.arrayContaining([
          { name: 'one', ...NONE, queued: 1, oldestReadyAt: expect.any(Number) },
          { name: 'two', ...NONE, scheduled: 1 },
        ]),
      );
      expect(new Set(queues.map(({ name }) => name)).size).toBe(queues.length);
    });
  });

  describe('a cancel', () => {
    it.each([
      ['scheduled', () => stage.enqueue({ delayMs: 30 })],
      ['queued', () => stage.enqueue()],
      [
        'retrying',
        async () => {
          const { id, consumer, delivery } = await stage.running();
          await consumer.retry(delivery, retry({ delayMs: 30 }));
          return id;
        },
      ],
    ])('of a %s task ends it at once, with its reason', async (state, arrange) => {
      const id = await arrange();
      expect(await stage.record(id)).toMatchObject({ state });

      expect(await stage.other.cancel(id, cancelRequest({ reason: 'sold out' }))).toBe('cancelled');

      expect(await stage.record(id)).toMatchObject({ state: 'cancelled', reason: 'sold out' });
      expect((await stage.record(id)).finishedAt).toBeDefined();
      await stage.advance(50);
      expect(await claim(await stage.consumer(), 1)).toEqual([]);
      expect(await stage.broker.queueStats(TEST_QUEUE)).toMatchObject({ queued: 0, scheduled: 0 });
    });

    it('leaves the neighbours of a queued task where they are', async () => {
      const ids: string[] = [];
      for (let i = 0; i < 5; i++) ids.push(await stage.enqueue({ place: 'here' }));
      for (const index of [0, 2, 4]) await stage.broker.cancel(ids[index] ?? '', cancelRequest());

      expect(idsOf(await claim(await stage.consumer(), 5))).toEqual([ids[1], ids[3]]);
    });

    it('of a running task is told to its holder and to nobody else', async () => {
      const told: [string, CancelRequest][] = [];
      const toldOthers: string[] = [];
      await stage.consumer({ onCancelRequested: (id) => toldOthers.push(id) });
      const { id, consumer, delivery } = await stage.running(
        {},
        { onCancelRequested: (...heard) => told.push(heard) },
      );
      const request = cancelRequest({ reason: 'too late', terminate: true, ttlMs: 5_000 });

      expect(await stage.other.cancel(id, request)).toBe('requested');

      await eventually(() => expect(told).toEqual([[id, request]]));
      expect(toldOthers).toEqual([]);
      expect(await stage.record(id)).toMatchObject({ state: 'running' });
      expect(await consumer.abandon(delivery, { ...abandonment, reason: 'too late' })).toBe(
        'settled',
      );
      expect(await stage.record(id)).toMatchObject({
        state: 'cancelled',
        reason: 'too late',
        worker: consumer.id,
      });
    });

    it.each([
      ['retry', 'cancelled'],
      ['release', 'cancelled'],
      ['complete', 'succeeded'],
      ['fail', 'failed'],
    ] as const)('of a running task makes %s lead to %s', async (verb, state) => {
      const { id, consumer, delivery } = await stage.running();
      await stage.broker.cancel(id, cancelRequest({ reason: 'sold out' }));

      const answer = {
        retry: () => consumer.retry(delivery, retry()),
        release: () => consumer.release(delivery),
        complete: () => consumer.complete(delivery, success()),
        fail: () => consumer.fail(delivery, death()),
      }[verb]();

      expect(await answer).toBe('settled');
      const record = await stage.record(id);
      expect(record).toMatchObject({ state });
      if (state === 'cancelled') expect(record).toMatchObject({ reason: 'sold out' });
      expect(await claim(consumer, 1)).toEqual([]);
    });

    it('of a running task outlives its worker', async () => {
      const { id } = await stage.running({}, { leaseMs: 50 });
      await stage.broker.cancel(id, cancelRequest({ reason: 'sold out' }));
      await stage.advance(70);

      expect(await stage.broker.reclaim({ maxLosses: 3 })).toMatchObject({
        requeued: 0,
        deadLettered: [],
      });

      expect(await stage.record(id)).toMatchObject({ state: 'cancelled', reason: 'sold out' });
    });

    it('asked for and overtaken by a failure does not concern the replayed task', async () => {
      const { id, consumer, delivery } = await stage.running();
      await stage.broker.cancel(id, cancelRequest());
      await consumer.fail(delivery, death());
      await stage.broker.replay([id], { delayMs: 0 });

      await consumer.release(await claimOne(consumer));

      expect(await stage.record(id)).toMatchObject({ state: 'queued' });
    });
  });
}
