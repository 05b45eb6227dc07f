import { TEST_QUEUE } from '../support/new-task.js';
import {
  type BrokerHarness,
  claim,
  claimOne,
  eventually,
  idsOf,
  LONG_MS,
  retry,
  success,
  useStage,
} from './broker-harness.js';

/** How far `Broker.now()` may be from the clock that decides, in milliseconds. */
const CLOCK_ERROR_MS = 5;

/** Which task comes next, and when. Order is promised within one place only. */
export function orderAndTimeContract(harness: BrokerHarness): void {
  const stage = useStage(harness);
  const place = 'here';

  describe('order', () => {
    it('is first in, first out within a priority', async () => {
      const ids: string[] = [];
      for (let i = 0; i < 20; i++) ids.push(await stage.enqueue({ place }));
      const consumer = await stage.consumer();

      expect(idsOf(await claim(consumer, 7))).toEqual(ids.slice(0, 7));
      expect(idsOf(await claim(consumer, 100))).toEqual(ids.slice(7));
    });

    it('puts every higher priority first, 9 before all', async () => {
      const priorities = [3, 0, 9, 5, 9, 1, 7, 0, 2, 8, 4, 6, 3];
      const tasks = [];
      for (const priority of priorities) {
        tasks.push({ priority, id: await stage.enqueue({ place, priority }) });
      }
      const expected = [...tasks].sort((a, b) => b.priority - a.priority).map(({ id }) => id);
      const consumer = await stage.consumer();

      const claimed = [];
      for (let i = 0; i < tasks.length; i++) claimed.push(await claimOne(consumer));

      expect(idsOf(claimed)).toEqual(expected);
    });

    it('lets an urgent task overtake those that wait', async () => {
      const ids = [await stage.enqueue({ place }), await stage.enqueue({ place })];
      const consumer = await stage.consumer();
      expect(idsOf(await claim(consumer, 1))).toEqual([ids[0]]);

      const urgent = await stage.enqueue({ place, priority: 9 });

      expect(idsOf(await claim(consumer, 10))).toEqual([urgent, ids[1]]);
    });

    it('keeps the place of a released task', async () => {
      const ids: string[] = [];
      for (let i = 0; i < 3; i++) ids.push(await stage.enqueue({ place }));
      const consumer = await stage.consumer();
      const first = await claimOne(consumer);

      await consumer.release(first);

      expect(idsOf(await claim(consumer, 3))).toEqual(ids);
    });

    it('keeps the places of all that a closed consumer held', async () => {
      const ids: string[] = [];
      for (let i = 0; i < 6; i++) ids.push(await stage.enqueue({ place, priority: i < 3 ? 5 : 0 }));
      const leaver = await stage.consumer();
      expect(idsOf(await claim(leaver, 5))).toEqual(ids.slice(0, 5));

      await leaver.close();

      expect(idsOf(await claim(await stage.consumer(), 6))).toEqual(ids);
    });

    it('puts reclaimed tasks before younger ones, as they were', async () => {
      const ids: string[] = [];
      for (let i = 0; i < 3; i++) ids.push(await stage.enqueue({ place }));
      expect(await claim(await stage.consumer({ leaseMs: 50 }), 3)).toHaveLength(3);
      const younger = await stage.enqueue({ place });
      await stage.advance(70);

      expect(await stage.broker.reclaim({ maxLosses: 3 })).toMatchObject({ requeued: 3 });

      expect(idsOf(await claim(await stage.consumer(), 4))).toEqual([...ids, younger]);
    });

    it('gives a consumer its own queues only, and none of them starves', async () => {
      await stage.enqueue({ queue: 'foreign' });
      for (let i = 0; i < 12; i++) {
        await stage.enqueue({ queue: 'one' });
        await stage.enqueue({ queue: 'two' });
      }
      const consumer = await stage.consumer({ queues: ['one', 'two'] });

      const some = [];
      for (let i = 0; i < 12; i++) some.push(await claimOne(consumer));
      expect(new Set(some.map(({ queue }) => queue))).toEqual(new Set(['one', 'two']));

      const rest = await claim(consumer, 100);
      expect([...some, ...rest]).toHaveLength(24);
      expect(await stage.broker.queueStats('foreign')).toMatchObject({ queued: 1 });
    });

    it('hands out no more than asked for', async () => {
      for (let i = 0; i < 5; i++) await stage.enqueue();
      const claimed = await (await stage.consumer()).claim(2);

      expect(claimed.outcome === 'claimed' && claimed.deliveries.length).toBeLessThanOrEqual(2);
      expect((await stage.broker.queueStats(TEST_QUEUE)).running).toBeLessThanOrEqual(2);
    });
  });

  describe('a delayed task', () => {
    it.each([
      ['delayMs', (delayMs: number) => ({ delayMs })],
      ['dueAt', (delayMs: number) => ({ dueAt: stage.broker.now() + delayMs })],
    ])('given as %s is handed out when it is due, and not before', async (_form, timing) => {
      const id = await stage.enqueue(timing(120));
      const { notBefore = 0, enqueuedAt, state } = await stage.record(id);
      expect(state).toBe('scheduled');
      expect(Math.abs(notBefore - enqueuedAt - 120)).toBeLessThanOrEqual(CLOCK_ERROR_MS);
      const consumer = await stage.consumer();

      expect(await consumer.claim(1)).toEqual({
        outcome: 'claimed',
        deliveries: [],
        mayHaveMore: false,
        nextDueAt: notBefore,
      });
      await stage.advance(60);
      expect(await claim(consumer, 1)).toEqual([]);
      await eventually(async () => {
        await stage.advance(1);
        expect(idsOf(await claim(consumer, 1))).toEqual([id]);
      });

      expect(stage.broker.now()).toBeGreaterThanOrEqual(notBefore - CLOCK_ERROR_MS);
    });

    it('is ready at once when its time has passed', async () => {
      const id = await stage.enqueue({ dueAt: stage.broker.now() - 1_000 });

      expect(await stage.record(id)).toMatchObject({ state: 'queued' });
      expect(idsOf(await claim(await stage.consumer(), 1))).toEqual([id]);
    });

    it('comes after one that is due earlier, whichever was enqueued first', async () => {
      const late = await stage.enqueue({ place, delayMs: 60 });
      const early = await stage.enqueue({ place, delayMs: 20 });
      await stage.advance(80);

      expect(idsOf(await claim(await stage.consumer(), 2))).toEqual([early, late]);
    });

    it('keeps its priority', async () => {
      await stage.enqueue({ place });
      const urgent = await stage.enqueue({ place, priority: 5, delayMs: 20 });
      await stage.advance(30);

      expect(idsOf(await claim(await stage.consumer(), 1))).toEqual([urgent]);
    });

    it('is promoted by settleDue, and only when due', async () => {
      await stage.enqueue({ delayMs: 20 });
      await stage.enqueue({ delayMs: LONG_MS });
      await stage.advance(30);

      expect(await stage.broker.settleDue(TEST_QUEUE)).toEqual({ promoted: 1, expired: 0 });
      expect(await stage.broker.settleDue(TEST_QUEUE)).toEqual({ promoted: 0, expired: 0 });
      expect(await stage.broker.queueStats(TEST_QUEUE)).toMatchObject({ queued: 1, scheduled: 1 });
    });
  });

  describe('a retry', () => {
    it.each([
      ['delayMs', (delayMs: number) => ({ delayMs })],
      ['dueAt', (delayMs: number) => ({ dueAt: stage.broker.now() + delayMs })],
    ])('given as %s waits for its time', async (_form, timing) => {
      const { id, consumer, delivery } = await stage.running();

      await consumer.retry(delivery, retry(timing(120)));

      const { notBefore = 0, ...record } = await stage.record(id);
      expect(record).toMatchObject({ state: 'retrying', attempt: 1 });
      expect(notBefore).toBeGreaterThan(stage.broker.now());
      expect(await claim(consumer, 1)).toEqual([]);
      await eventually(async () => {
        await stage.advance(10);
        expect(await claimOne(consumer)).toMatchObject({ attempt: 1, deliveries: 2 });
      });
      expect(stage.broker.now()).toBeGreaterThanOrEqual(notBefore - CLOCK_ERROR_MS);
    });

    it('without delay is next as soon as somebody claims', async () => {
      const { id, consumer, delivery } = await stage.running();

      await consumer.retry(delivery, retry({ delayMs: 0 }));

      expect(idsOf(await claim(await stage.consumer(), 1))).toEqual([id]);
    });
  });

  describe('an expiry', () => {
    it.each([
      ['queued', {}],
      ['scheduled for later', { delayMs: LONG_MS }],
      ['scheduled for before', { delayMs: 20 }],
    ])('ends a task that is %s, and it is never handed out', async (_state, timing) => {
      const id = await stage.enqueue({ ...timing, expiresInMs: 60 });
      await stage.advance(80);

      expect(await claim(await stage.consumer(), 10)).toEqual([]);

      expect(await stage.record(id)).toMatchObject({ state: 'expired', deliveries: 0 });
      expect(await stage.broker.queueStats(TEST_QUEUE)).toMatchObject({
        queued: 0,
        scheduled: 0,
        running: 0,
        deadLetters: 0,
      });
    });

    it.each([
      ['expiresAt', () => ({ expiresAt: stage.broker.now() - 1_000 })],
      ['expiresInMs', () => ({ expiresInMs: 0 })],
    ])('that has passed already, as %s, lets the task never run', async (_form, timing) => {
      const id = await stage.enqueue(timing());
      await stage.advance(CLOCK_ERROR_MS);

      expect(await claim(await stage.consumer(), 1)).toEqual([]);

      expect(await stage.record(id)).toMatchObject({ state: 'expired' });
    });

    it('lets others of the queue pass', async () => {
      await stage.enqueue({ place, expiresInMs: 20 });
      const lasting = await stage.enqueue({ place, expiresInMs: LONG_MS });
      const plain = await stage.enqueue({ place });
      await stage.advance(40);

      expect(idsOf(await claim(await stage.consumer(), 3))).toEqual([lasting, plain]);
    });

    it('does not touch a task that is running when it comes', async () => {
      const { id, consumer, delivery } = await stage.running({ expiresInMs: 150 });
      await stage.advance(200);
      await stage.broker.settleDue(TEST_QUEUE);

      expect(await consumer.complete(delivery, success())).toBe('settled');

      expect(await stage.record(id)).toMatchObject({ state: 'succeeded' });
    });

    it('does not touch a task that waits for its retry when it comes', async () => {
      const { id, consumer, delivery } = await stage.running({ expiresInMs: 150 });
      await consumer.retry(delivery, retry({ delayMs: 200 }));
      await stage.advance(250);
      await stage.broker.settleDue(TEST_QUEUE);
      await stage.broker.settleDue(TEST_QUEUE);

      expect(idsOf(await claim(consumer, 1))).toEqual([id]);
    });
  });
}
