import type { Consumer, Delivery } from '../../libs/stem/src/broker/broker.js';
import { TEST_QUEUE } from '../support/new-task.js';
import {
  abandonment,
  type BrokerHarness,
  claim,
  claimOne,
  death,
  idsOf,
  LONG_MS,
  retry,
  success,
  useStage,
} from './broker-harness.js';

/** Lease of consumers that are to lose it, and a time after which it has run out. */
const SHORT_LEASE_MS = 60;
const PAST_LEASE_MS = 80;

const MAX_LOSSES = 3;

const SETTLE: Record<string, (consumer: Consumer, delivery: Delivery) => Promise<unknown>> = {
  complete: (consumer, delivery) => consumer.complete(delivery, success()),
  retry: (consumer, delivery) => consumer.retry(delivery, retry()),
  fail: (consumer, delivery) => consumer.fail(delivery, death()),
  abandon: (consumer, delivery) => consumer.abandon(delivery, abandonment),
  release: (consumer, delivery) => consumer.release(delivery),
  admit: (consumer, delivery) => consumer.admit(delivery, { key: 'limit', intervalMs: 1_000 }),
};
const SETTLE_VERBS = Object.keys(SETTLE);
const settle = (
  verb: string,
  consumer: Consumer,
  delivery: Delivery,
): Promise<unknown> | undefined => SETTLE[verb]?.(consumer, delivery);

/** Who may settle what, and what becomes of tasks whose worker is gone. */
export function leasesContract(harness: BrokerHarness): void {
  const stage = useStage(harness);

  describe('ownership', () => {
    it('gives two consumers of one worker name two ids that show the name', async () => {
      const one = await stage.consumer({ worker: 'mailer' });
      const other = await stage.consumer({ worker: 'mailer' });

      expect(one.id).not.toBe(other.id);
      expect([one.id, other.id]).toEqual([
        expect.stringContaining('mailer'),
        expect.stringContaining('mailer'),
      ]);
    });

    it.each(SETTLE_VERBS)('refuses %s by a consumer that does not hold the task', async (verb) => {
      const { id, delivery } = await stage.running();
      const stranger = await stage.consumer();
      const before = await stage.record(id);

      expect(await settle(verb, stranger, delivery)).toBe('not-held');

      expect(await stage.record(id)).toEqual(before);
    });

    it.each(SETTLE_VERBS)(
      'refuses %s by the former holder while another one runs it',
      async (verb) => {
        const { id, consumer, delivery } = await stage.running();
        await consumer.release(delivery);
        const next = await stage.consumer();
        const current = await claimOne(next);
        const before = await stage.record(id);

        expect(await settle(verb, consumer, delivery)).toBe('not-held');

        expect(await stage.record(id)).toEqual(before);
        expect(await next.complete(current, success())).toBe('settled');
      },
    );

    it.each([
      ['released', (consumer: Consumer, delivery: Delivery) => consumer.release(delivery)],
      ['retried', (consumer: Consumer, delivery: Delivery) => consumer.retry(delivery, retry())],
    ])(
      'refuses a delivery that was %s, though its holder got the task again',
      async (_how, end) => {
        const { id, consumer, delivery } = await stage.running();
        expect(await end(consumer, delivery)).toBe('settled');
        const current = await claimOne(consumer);

        expect(await consumer.complete(delivery, success())).toBe('not-held');

        expect(await stage.record(id)).toMatchObject({ state: 'running' });
        expect(await consumer.complete(current, success())).toBe('settled');
      },
    );

    it('accepts only one of two attempts to settle a task at the same time', async () => {
      const { id, consumer, delivery } = await stage.running();

      const answers = await Promise.all([
        consumer.complete(delivery, success({ result: '1' })),
        consumer.complete(delivery, success({ result: '2' })),
      ]);

      expect([...answers].sort()).toEqual(['not-held', 'settled']);
      expect(await stage.record(id)).toMatchObject({
        state: 'succeeded',
        result: answers[0] === 'settled' ? '1' : '2',
      });
      expect(await stage.broker.queueStats(TEST_QUEUE)).toMatchObject({ succeeded: 1, running: 0 });
    });

    it('shows progress of the holder only', async () => {
      const { id, delivery } = await stage.running();
      const stranger = await stage.consumer();

      await stranger.reportProgress(delivery, { fraction: 0.9 });

      expect((await stage.record(id)).progress).toBeUndefined();
    });
  });

  describe('progress', () => {
    it('is visible everywhere while the task runs, and kept when it has ended', async () => {
      const { id, consumer, delivery } = await stage.running();

      await consumer.reportProgress(delivery, { fraction: 0.25, data: { step: 'one' } });
      await consumer.reportProgress(delivery, { fraction: 0.5, data: { step: 'two' } });

      const progress = { fraction: 0.5, data: { step: 'two' } };
      expect(await stage.other.find(id)).toMatchObject({ state: 'running', progress });
      await consumer.complete(delivery, success());
      expect(await stage.other.find(id)).toMatchObject({ state: 'succeeded', progress });
    });
  });

  describe('a lost lease', () => {
    const loseLease = async (): Promise<{ id: string; consumer: Consumer; delivery: Delivery }> => {
      const task = await stage.running({}, { leaseMs: SHORT_LEASE_MS });
      await stage.advance(PAST_LEASE_MS);
      expect(await stage.broker.reclaim({ maxLosses: MAX_LOSSES })).toEqual({
        consumers: [task.consumer.id],
        requeued: 1,
        deadLettered: [],
      });
      return task;
    };

    it.each(SETTLE_VERBS)('commits nothing of %s', async (verb) => {
      const { id, consumer, delivery } = await loseLease();
      const before = await stage.record(id);

      expect(await settle(verb, consumer, delivery)).toBe('lease-lost');

      expect(await stage.record(id)).toEqual(before);
    });

    it.each(SETTLE_VERBS)('commits nothing of %s while the next holder runs it', async (verb) => {
      const { id, consumer, delivery } = await loseLease();
      const next = await stage.consumer();
      const current = await claimOne(next);
      const before = await stage.record(id);

      expect(await settle(verb, consumer, delivery)).toBe('lease-lost');

      expect(await stage.record(id)).toEqual(before);
      expect(await next.complete(current, success())).toBe('settled');
    });

    it('commits nothing of a large result, whatever the next holder brings', async () => {
      const { id, consumer, delivery } = await loseLease();
      const current = await stage.consumer();
      const next = await claimOne(current);
      const [stale, valid] = ['s', 'v'].map((letter) => JSON.stringify(letter.repeat(10_000)));

      const outcomes = await Promise.all([
        current.complete(next, success({ result: valid })),
        consumer.complete(delivery, success({ result: stale })),
      ]);

      expect(outcomes).toEqual(['settled', 'lease-lost']);
      expect((await stage.record(id)).result).toBe(valid);
    });

    it('keeps no progress', async () => {
      const { id, consumer, delivery } = await loseLease();

      await consumer.reportProgress(delivery, { fraction: 0.5 });

      expect((await stage.record(id)).progress).toBeUndefined();
    });

    it('is not renewed, and claims nothing', async () => {
      const { id, consumer } = await loseLease();

      expect(await consumer.renew()).toBe('lease-lost');
      expect(await consumer.renew(LONG_MS)).toBe('lease-lost');
      expect(await consumer.claim(10)).toEqual({ outcome: 'lease-lost' });

      expect(await stage.record(id)).toMatchObject({ state: 'queued' });
    });

    it('is reclaimed once', async () => {
      await loseLease();

      expect(await stage.broker.reclaim({ maxLosses: MAX_LOSSES })).toEqual({
        consumers: [],
        requeued: 0,
        deadLettered: [],
      });
    });

    it('costs a delivery and no attempt', async () => {
      const { id } = await loseLease();

      expect(await stage.record(id)).toMatchObject({ state: 'queued', attempt: 0, deliveries: 1 });
      expect(await claimOne(await stage.consumer())).toMatchObject({ attempt: 0, deliveries: 2 });
    });
  });

  describe('a lease', () => {
    it('is not reclaimed before it has run out', async () => {
      const { id } = await stage.running({}, { leaseMs: LONG_MS });
      await stage.advance(PAST_LEASE_MS);

      expect((await stage.broker.reclaim({ maxLosses: MAX_LOSSES })).consumers).toEqual([]);

      expect(await stage.record(id)).toMatchObject({ state: 'running' });
    });

    it('that ran out still holds until somebody reclaims it', async () => {
      const { id, consumer, delivery } = await stage.running({}, { leaseMs: SHORT_LEASE_MS });
      await stage.advance(PAST_LEASE_MS);

      expect(await consumer.complete(delivery, success())).toBe('settled');

      expect(await stage.record(id)).toMatchObject({ state: 'succeeded' });
    });

    it('lasts as long as it is renewed', async () => {
      const { id, consumer } = await stage.running({}, { leaseMs: 300 });
      await stage.advance(200);
      expect(await consumer.renew()).toBe('renewed');
      await stage.advance(150);

      expect((await stage.broker.reclaim({ maxLosses: MAX_LOSSES })).consumers).toEqual([]);
      expect(await stage.record(id)).toMatchObject({ state: 'running' });

      await stage.advance(200);
      expect((await stage.broker.reclaim({ maxLosses: MAX_LOSSES })).consumers).toEqual([
        consumer.id,
      ]);
    });

    it('can be made sure of for longer, and is not shortened by the next renewal', async () => {
      const { consumer } = await stage.running({}, { leaseMs: 100 });
      expect(await consumer.renew(600)).toBe('renewed');
      expect(await consumer.renew()).toBe('renewed');
      await stage.advance(200);
      expect((await stage.broker.reclaim({ maxLosses: MAX_LOSSES })).consumers).toEqual([]);

      await stage.advance(420);

      expect((await stage.broker.reclaim({ maxLosses: MAX_LOSSES })).consumers).toEqual([
        consumer.id,
      ]);
    });

    it('that ran out can be renewed until somebody reclaims it', async () => {
      const { consumer } = await stage.running({}, { leaseMs: 200 });
      await stage.advance(220);

      expect(await consumer.renew()).toBe('renewed');

      expect((await stage.broker.reclaim({ maxLosses: MAX_LOSSES })).consumers).toEqual([]);
    });

    it('is reclaimed by any broker on the store, for idle consumers too', async () => {
      const idle = await stage.consumer({ leaseMs: SHORT_LEASE_MS });
      await stage.advance(PAST_LEASE_MS);

      expect(await stage.other.reclaim({ maxLosses: MAX_LOSSES })).toEqual({
        consumers: [idle.id],
        requeued: 0,
        deadLettered: [],
      });
      expect(await idle.renew()).toBe('lease-lost');
    });

    it('given up by closing hands everything back, unharmed', async () => {
      const ids = [await stage.enqueue(), await stage.enqueue()];
      const consumer = await stage.consumer();
      expect(await claim(consumer, 2)).toHaveLength(2);

      await consumer.close();

      for (const id of ids) {
        expect(await stage.record(id)).toMatchObject({
          state: 'queued',
          attempt: 0,
          deliveries: 0,
        });
      }
      expect(idsOf(await claim(await stage.consumer(), 2)).sort()).toEqual([...ids].sort());
    });
  });

  describe('deliveries and attempts', () => {
    it('are both spent by a retry', async () => {
      const { consumer, delivery } = await stage.running();
      await consumer.retry(delivery, retry());

      expect(await claimOne(consumer)).toMatchObject({ attempt: 1, deliveries: 2 });
    });

    it('are neither spent by a release', async () => {
      const { id, consumer, delivery } = await stage.running();

      for (let i = 0, held = delivery; i < 5; i++) {
        expect(held).toMatchObject({ attempt: 0, deliveries: 1 });
        expect(await consumer.release(held)).toBe('settled');
        expect(await stage.record(id)).toMatchObject({ attempt: 0, deliveries: 0 });
        held = await claimOne(consumer);
      }
    });
  });

  describe('the delivery limit', () => {
    const loseOnce = async (): Promise<readonly string[]> => {
      await claimOne(await stage.consumer({ leaseMs: SHORT_LEASE_MS }));
      await stage.advance(PAST_LEASE_MS);
      return (await stage.broker.reclaim({ maxLosses: MAX_LOSSES })).deadLettered;
    };
    const retryOnce = async (): Promise<void> => {
      const consumer = await stage.consumer();
      await consumer.retry(await claimOne(consumer), retry());
    };
    const releaseOnce = async (): Promise<void> => {
      const consumer = await stage.consumer();
      await consumer.release(await claimOne(consumer));
    };

    it('makes a task a dead letter that lost its holder three times', async () => {
      const id = await stage.enqueue({ args: { keep: ['this'] } });

      expect(await loseOnce()).toEqual([]);
      expect(await loseOnce()).toEqual([]);
      expect(await loseOnce()).toEqual([id]);

      expect(await stage.record(id)).toMatchObject({
        state: 'failed',
        reason: 'delivery-limit',
        args: { keep: ['this'] },
        attempt: 0,
        deliveries: 3,
      });
      const letters = await stage.broker.listDeadLetters({ limit: 10 });
      expect(letters.map((letter) => letter.id)).toEqual([id]);
    });

    it('counts neither errors nor releases', async () => {
      const id = await stage.enqueue();

      await retryOnce();
      await releaseOnce();
      expect(await loseOnce()).toEqual([]);
      await retryOnce();
      await retryOnce();
      expect(await loseOnce()).toEqual([]);
      await releaseOnce();
      await retryOnce();
      expect(await stage.broker.listDeadLetters({ limit: 10 })).toEqual([]);

      expect(await loseOnce()).toEqual([id]);
      expect(await stage.record(id)).toMatchObject({ attempt: 4, deliveries: 7 });
    });

    it('counts from the start again after a replay', async () => {
      const id = await stage.enqueue();
      for (let i = 0; i < MAX_LOSSES; i++) await loseOnce();
      expect(await stage.broker.replay([id], { delayMs: 0 })).toEqual(['replayed']);

      expect(await loseOnce()).toEqual([]);
      expect(await loseOnce()).toEqual([]);
      expect(await loseOnce()).toEqual([id]);
    });
  });
}
