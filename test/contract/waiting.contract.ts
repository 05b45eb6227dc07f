import { TaskNotFoundError } from '../../libs/stem/src/core/errors.js';
import { newTask, TEST_QUEUE } from '../support/new-task.js';
import {
  type BrokerHarness,
  cancelRequest,
  claim,
  claimOne,
  death,
  idsOf,
  LONG_MS,
  soon,
  success,
  useStage,
} from './broker-harness.js';

/** Short enough to wait for in a test, long enough to be there before a task ends. */
const MOMENT_MS = 50;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Waiting for the end of a task, and for work. */
export function waitingContract(harness: BrokerHarness): void {
  const stage = useStage(harness);

  describe('waiting for the end of a task', () => {
    it('answers at once when it has ended', async () => {
      const { id, consumer, delivery } = await stage.running();
      await consumer.complete(delivery, success({ result: '7' }));

      expect(await soon(stage.other.waitForEnd(id, LONG_MS))).toEqual(await stage.record(id));
    });

    it('answers when it ends, on every broker', async () => {
      const { id, consumer, delivery } = await stage.running({ args: ['x'] });
      const waits = [stage.broker, stage.other].map((broker) => broker.waitForEnd(id, LONG_MS));

      await consumer.complete(delivery, success({ result: '7' }));

      const record = await stage.record(id);
      expect(record).toMatchObject({ state: 'succeeded', result: '7', args: ['x'] });
      expect(await soon(Promise.all(waits))).toEqual([record, record]);
    });

    it('answers for every way to end', async () => {
      const failed = await stage.running();
      const abandoned = await stage.running();
      const cancelled = await stage.enqueue({ delayMs: LONG_MS });
      const expired = await stage.enqueue({ expiresInMs: 20, queue: 'another' });
      const purged = await stage.enqueue({ queue: 'purged' });
      const ids = [failed.id, abandoned.id, cancelled, expired, purged];
      const waits = ids.map((id) => stage.other.waitForEnd(id, LONG_MS));
      await pause(MOMENT_MS);

      await failed.consumer.fail(failed.delivery, death());
      await abandoned.consumer.abandon(abandoned.delivery, {
        reason: 'asked to',
        startedAt: 0,
        ttlMs: LONG_MS,
      });
      await stage.broker.cancel(cancelled, cancelRequest());
      await stage.advance(30);
      await stage.broker.settleDue('another');
      await stage.broker.purgeQueue('purged');

      const ends = await soon(Promise.all(waits));
      expect(ends.map((end) => end?.state)).toEqual([
        'failed',
        'cancelled',
        'cancelled',
        'expired',
        'cancelled',
      ]);
    });

    it('answers whoever waited before, even when no record is kept', async () => {
      const { id, consumer, delivery } = await stage.running();
      const waits = [stage.broker, stage.other].map((broker) => broker.waitForEnd(id, LONG_MS));
      await pause(MOMENT_MS);

      await consumer.complete(delivery, success({ result: undefined, ttlMs: 0 }));

      const expected = expect.objectContaining({ id, state: 'succeeded' });
      expect(await soon(Promise.all(waits))).toEqual([expected, expected]);
    });

    it('answers many who wait for one task', async () => {
      const { id, consumer, delivery } = await stage.running();
      const waits = Array.from({ length: 200 }, (_, i) =>
        (i % 2 ? stage.broker : stage.other).waitForEnd(id, LONG_MS),
      );
      await consumer.complete(delivery, success());

      const ends = await soon(Promise.all(waits));

      expect(ends.filter((end) => end?.state === 'succeeded')).toHaveLength(200);
    });

    it('ends without an answer when the time is over', async () => {
      const id = await stage.enqueue();

      expect(await soon(stage.broker.waitForEnd(id, MOMENT_MS))).toBeUndefined();

      expect(await stage.record(id)).toMatchObject({ state: 'queued' });
    });

    it('goes on over a retry and a release', async () => {
      const { id, consumer, delivery } = await stage.running();
      const wait = stage.other.waitForEnd(id, LONG_MS);
      await consumer.release(delivery);
      await consumer.complete(await claimOne(consumer), success());

      expect(await soon(wait)).toMatchObject({ state: 'succeeded' });
    });

    it('is refused for a task that is not known', async () => {
      await expect(stage.broker.waitForEnd(stage.broker.newTaskId(), 10)).rejects.toThrow(
        TaskNotFoundError,
      );
      await expect(stage.broker.waitForEnd('unknown', 10)).rejects.toThrow(TaskNotFoundError);
    });
  });

  describe('waiting for work', () => {
    it('ends when another broker enqueues something', async () => {
      const consumer = await stage.consumer();
      const wait = consumer.waitForWork(LONG_MS);
      await pause(MOMENT_MS);

      const task = newTask(stage.other);
      await stage.other.enqueue([task]);

      await soon(wait);
      expect(idsOf(await claim(consumer, 1))).toEqual([task.id]);
    });

    it('ends at once when something came between the claim and the wait', async () => {
      const consumer = await stage.consumer();
      expect(await claim(consumer, 1)).toEqual([]);
      await stage.other.enqueue([newTask(stage.other)]);

      await soon(consumer.waitForWork(LONG_MS));
    });

    it('ends for each of several consumers when there is work for all', async () => {
      const consumers = await Promise.all([stage.consumer(), stage.consumer(), stage.consumer()]);
      const runs = consumers.map(async (consumer) => {
        for (;;) {
          const [delivery] = await claim(consumer, 1);
          if (delivery) return delivery;
          await consumer.waitForWork(LONG_MS);
        }
      });
      await pause(MOMENT_MS);

      for (let i = 0; i < 3; i++) await stage.other.enqueue([newTask(stage.other)]);

      expect(new Set(idsOf(await soon(Promise.all(runs)))).size).toBe(3);
    });

    it('ends when a task is released or its queue resumed', async () => {
      const { consumer, delivery } = await stage.running();
      const next = await stage.consumer();
      const first = next.waitForWork(LONG_MS);
      await pause(MOMENT_MS);
      await consumer.release(delivery);
      await soon(first);

      await stage.broker.pauseQueue(TEST_QUEUE);
      const second = next.waitForWork(LONG_MS);
      await pause(MOMENT_MS);
      await stage.broker.resumeQueue(TEST_QUEUE);
      await soon(second);
    });

    if (harness.realTime) {
      it('ends when a delayed task comes due, though nobody does anything', async () => {
        const consumer = await stage.consumer();
        const id = await stage.enqueue({ delayMs: 100 });
        const run = async (waits = 0): Promise<{ ids: string[]; waits: number }> => {
          const ids = idsOf(await claim(consumer, 1));
          if (ids.length) return { ids, waits };
          await consumer.waitForWork(LONG_MS);
          return run(waits + 1);
        };

        const { ids, waits } = await soon(run());

        expect(ids).toEqual([id]);
        // It may be woken once or twice for nothing, but does not ask all the time.
        expect(waits).toBeGreaterThanOrEqual(1);
        expect(waits).toBeLessThanOrEqual(5);
      });

      it('ends when a task becomes due that was delayed during the wait', async () => {
        const consumer = await stage.consumer();
        const wait = consumer.waitForWork(LONG_MS);
        await pause(MOMENT_MS);

        await stage.other.enqueue([newTask(stage.other, { delayMs: 50 })]);

        await soon(wait);
      });
    }

    it('ends when the time is over', async () => {
      const consumer = await stage.consumer();

      await soon(consumer.waitForWork(MOMENT_MS));
    });

    it('ends at once and for ever after stopWaiting', async () => {
      const consumer = await stage.consumer();
      const wait = consumer.waitForWork(LONG_MS);
      await pause(MOMENT_MS);

      consumer.stopWaiting();

      await soon(wait);
      await soon(consumer.waitForWork(LONG_MS));
    });
  });
}
