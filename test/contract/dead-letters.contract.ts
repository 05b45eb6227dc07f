import type { Rejection } from '../../libs/stem/src/broker/broker.js';
import { TEST_QUEUE } from '../support/new-task.js';
import {
  type BrokerHarness,
  claim,
  claimOne,
  death,
  eventually,
  idsOf,
  LONG_MS,
  success,
  useStage,
} from './broker-harness.js';

/** What is kept of tasks that gave up, and what can be done with it. */
export function deadLettersContract(harness: BrokerHarness): void {
  const stage = useStage(harness);

  /** Dead letters, oldest first, with some time between them. */
  const bury = async (count: number, queue = TEST_QUEUE): Promise<string[]> => {
    const ids: string[] = [];
    for (let i = 0; i < count; i++) {
      const { id, consumer, delivery } = await stage.running({ queue });
      await consumer.fail(delivery, death());
      ids.push(id);
      await stage.advance(3);
    }
    return ids;
  };
  const list = async (
    query: Partial<Parameters<typeof stage.broker.listDeadLetters>[0]> = {},
  ): Promise<string[]> =>
    (await stage.other.listDeadLetters({ limit: 100, ...query })).map(({ id }) => id);

  describe('dead letters', () => {
    it('keep the whole task and why it died', async () => {
      const { id, consumer, delivery } = await stage.running({
        name: 'email.send',
        args: { to: 'Ada' },
        headers: { tenant: 'billing' },
        meta: { trace: ['a'] },
        priority: 4,
      });
      const failure = {
        name: 'TypeError',
        message: 'no such address',
        code: 'E_ADDRESS',
        stack: 'TypeError: no such address\n  at send',
        cause: { name: 'Error', message: 'dns' },
      };
      await consumer.fail(delivery, death({ failure, reason: 'not-retryable', startedAt: 77 }));

      expect(await stage.broker.listDeadLetters({ limit: 10 })).toEqual([await stage.record(id)]);
      expect(await stage.record(id)).toMatchObject({
        id,
        name: 'email.send',
        queue: TEST_QUEUE,
        state: 'failed',
        args: { to: 'Ada' },
        headers: { tenant: 'billing' },
        meta: { trace: ['a'] },
        priority: 4,
        failure,
        reason: 'not-retryable',
        startedAt: 77,
      });
    });

    it('are listed newest first, or oldest first', async () => {
      const ids = await bury(4);

      expect(await list()).toEqual([...ids].reverse());
      expect(await list({ oldestFirst: true })).toEqual(ids);
    });

    it('are listed page by page', async () => {
      const ids = await bury(5);
      const newestFirst = [...ids].reverse();

      expect(await list({ limit: 2 })).toEqual(newestFirst.slice(0, 2));
      expect(await list({ limit: 2, offset: 2 })).toEqual(newestFirst.slice(2, 4));
      expect(await list({ limit: 2, offset: 4 })).toEqual(newestFirst.slice(4));
      expect(await list({ limit: 2, offset: 5 })).toEqual([]);
      expect(await list({ limit: 2, offset: 1, oldestFirst: true })).toEqual(ids.slice(1, 3));
      expect(await list({ limit: 0 })).toEqual([]);
    });

    it('are listed from a time on', async () => {
      const ids = await bury(3);
      const { finishedAt: since } = await stage.record(ids[1] ?? '');

      expect(await list({ since })).toEqual([ids[2], ids[1]]);
      expect(await list({ since, oldestFirst: true, limit: 1 })).toEqual([ids[1]]);
      expect(await list({ since: stage.broker.now() + LONG_MS })).toEqual([]);
    });

    it('are listed for one queue or for all', async () => {
      const [one] = await bury(1, 'one');
      const [two] = await bury(1, 'two');
      const [three] = await bury(1, 'one');

      expect(await list({ queue: 'one' })).toEqual([three, one]);
      expect(await list({ queue: 'never used' })).toEqual([]);
      expect(await list()).toEqual([three, two, one]);
      expect(await list({ offset: 1, limit: 1 })).toEqual([two]);
    });

    it('are discarded for good, and only they', async () => {
      const [first = '', second = ''] = await bury(2);
      const alive = await stage.enqueue();

      expect(await stage.broker.discardDeadLetters([first, alive, 'unknown', first])).toBe(1);

      expect(await list()).toEqual([second]);
      expect(await stage.broker.find(first)).toBeUndefined();
      expect(await stage.record(alive)).toMatchObject({ state: 'queued' });
      expect(await stage.broker.queueStats(TEST_QUEUE)).toMatchObject({
        deadLetters: 1,
        failed: 2,
      });
      expect(await stage.broker.discardDeadLetters([])).toBe(0);
    });
  });

  describe('a replay', () => {
    it('starts the task over, whole, and counts itself', async () => {
      const { id, consumer, delivery } = await stage.running({
        args: { to: 'Ada' },
        headers: { tenant: 'billing' },
        meta: { trace: 'x' },
      });
      await consumer.fail(delivery, death());

      expect(await stage.other.replay([id], { delayMs: 0 })).toEqual(['replayed']);

      expect(await list()).toEqual([]);
      const record = await stage.record(id);
      expect(record).toMatchObject({ state: 'queued', attempt: 0, deliveries: 0, replays: 1 });
      expect(record.reason).toBeUndefined();
      expect(record.finishedAt).toBeUndefined();
      const again = await claimOne(consumer);
      expect(again).toMatchObject({
        envelope: { id, args: { to: 'Ada' }, headers: { tenant: 'billing' }, meta: { trace: 'x' } },
        attempt: 0,
        deliveries: 1,
        replays: 1,
        enqueuedAt: delivery.enqueuedAt,
      });
      expect(await consumer.complete(again, success())).toBe('settled');
      expect(await stage.record(id)).toMatchObject({ state: 'succeeded', replays: 1 });
    });

    it('can be delayed', async () => {
      const [id = ''] = await bury(1);

      expect(await stage.broker.replay([id], { delayMs: 100 })).toEqual(['replayed']);

      expect(await stage.record(id)).toMatchObject({ state: 'scheduled', replays: 1 });
      const consumer = await stage.consumer();
      expect(await claim(consumer, 1)).toEqual([]);
      await stage.advance(120);
      expect(idsOf(await claim(consumer, 1))).toEqual([id]);
    });

    it('of many answers in the order of the ids', async () => {
      const [first = '', second = ''] = await bury(2);
      const alive = await stage.enqueue();

      expect(
        await stage.broker.replay([second, alive, 'unknown', first, second], { delayMs: 0 }),
      ).toEqual(['replayed', 'not-dead', 'not-dead', 'replayed', 'not-dead']);

      expect(await stage.record(alive)).toMatchObject({ state: 'queued', replays: 0 });
      expect(await claim(await stage.consumer(), 5)).toHaveLength(3);
    });

    it('can fail and be replayed again', async () => {
      const [id = ''] = await bury(1);
      await stage.broker.replay([id], { delayMs: 0 });
      const consumer = await stage.consumer();
      await consumer.fail(await claimOne(consumer), death({ reason: 'retries-exhausted' }));

      expect(await stage.record(id)).toMatchObject({
        state: 'failed',
        reason: 'retries-exhausted',
        replays: 1,
      });
      expect(await list()).toEqual([id]);
      expect(await stage.broker.replay([id], { delayMs: 0 })).toEqual(['replayed']);
      expect(await stage.record(id)).toMatchObject({ replays: 2 });
    });
  });

  describe('a record that cannot be read', () => {
    it.each([
      ['no JSON', 'garbage'],
      ['JSON of another shape', '{"id":"x"}'],
      ['an array without a name', '["x"]'],
      ['one with headers that are no texts', '["x","test.task",null,{"h":{"a":1}}]'],
    ])(
      'because it is %s becomes a dead letter, and those behind it run',
      async (_why, envelope) => {
        const rejections: Rejection[] = [];
        await stage.enqueue({ place: 'here', envelope });
        const healthy = await stage.enqueue({ place: 'here' });
        const consumer = await stage.consumer({ onRejected: (told) => rejections.push(told) });

        expect(idsOf(await claim(consumer, 2))).toEqual([healthy]);

        await eventually(() => expect(rejections).toHaveLength(1));
        const [rejection] = rejections;
        expect(rejection).toMatchObject({ queue: TEST_QUEUE, reason: 'corrupt-record' });
        expect(rejection?.detail).not.toBe('');
        expect(await list()).toEqual([rejection?.id]);
        expect(await stage.broker.find(rejection?.id ?? '')).toMatchObject({
          state: 'failed',
          reason: 'corrupt-record',
        });
        expect(await stage.broker.queueStats(TEST_QUEUE)).toMatchObject({ queued: 0, running: 1 });
      },
    );
  });
}
