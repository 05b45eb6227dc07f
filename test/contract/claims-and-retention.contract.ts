import { TaskNotFoundError } from '../../libs/stem/src/core/errors.js';
import { newTask, TEST_QUEUE } from '../support/new-task.js';
import {
  abandonment,
  type BrokerHarness,
  cancelRequest,
  claim,
  claimOne,
  death,
  idsOf,
  LONG_MS,
  retry,
  success,
  useStage,
} from './broker-harness.js';

/** Who may use an id or a unique key, and how long an ended task is remembered. */
export function claimsAndRetentionContract(harness: BrokerHarness): void {
  const stage = useStage(harness);
  const key = 'test.task:work:same';

  const enqueueUnique = async (forMs?: number): Promise<{ id: string; created: boolean }> => {
    const [outcome] = await stage.broker.enqueue([
      newTask(stage.broker, { unique: { key, ...(forMs === undefined ? {} : { forMs }) } }),
    ]);
    if (!outcome) throw new Error('There was no outcome');
    return outcome;
  };
  const refusedBy = (id: string): unknown => ({ id, created: false });

  describe('an id', () => {
    it('given by the user names the task everywhere', async () => {
      const id = await stage.enqueue({ id: 'order 42/ünï' });

      expect(await stage.other.find(id)).toMatchObject({ id, state: 'queued' });
      expect(idsOf(await claim(await stage.consumer(), 1))).toEqual([id]);
    });

    it('that is taken creates nothing, and the first task stays as it was', async () => {
      const id = await stage.enqueue({ args: 'first' });

      const outcome = await stage.other.enqueue([newTask(stage.other, { id, args: 'second' })]);

      expect(outcome).toEqual([refusedBy(id)]);
      expect(await stage.record(id)).toMatchObject({ args: 'first' });
      expect(await claim(await stage.consumer(), 2)).toHaveLength(1);
    });

    it('given twice in one call is created once', async () => {
      const id = stage.broker.newTaskId();
      const twins = [newTask(stage.broker, { id }), newTask(stage.broker, { id })];

      expect(await stage.broker.enqueue(twins)).toEqual([{ id, created: true }, refusedBy(id)]);

      expect(await stage.broker.queueStats(TEST_QUEUE)).toMatchObject({ queued: 1 });
    });

    it('is free again when nothing is known of its task any more', async () => {
      const { id, consumer, delivery } = await stage.running();
      await consumer.complete(delivery, success({ ttlMs: 0 }));

      expect(await stage.enqueue({ id })).toBe(id);

      expect(await stage.record(id)).toMatchObject({ state: 'queued' });
    });

    it('is generated anew each time', () => {
      const ids = Array.from({ length: 1_000 }, () => stage.broker.newTaskId('key'));

      expect(new Set(ids).size).toBe(1_000);
    });
  });

  describe('a batch', () => {
    it('may be empty', async () => {
      expect(await stage.broker.enqueue([])).toEqual([]);
    });

    it('answers in its order, whatever is created', async () => {
      const taken = await stage.enqueue();
      const tasks = [
        newTask(stage.broker),
        newTask(stage.broker, { id: taken }),
        newTask(stage.broker, { queue: 'another' }),
      ];

      expect(await stage.broker.enqueue(tasks)).toEqual([
        { id: tasks[0]?.id, created: true },
        refusedBy(taken),
        { id: tasks[2]?.id, created: true },
      ]);
    });
  });

  describe('a unique claim', () => {
    it('names its holder to whoever comes second, from any broker', async () => {
      const first = await enqueueUnique();
      expect(first.created).toBe(true);

      expect(await enqueueUnique()).toEqual(refusedBy(first.id));
      const rival = newTask(stage.other, { unique: { key } });
      expect(await stage.other.enqueue([rival])).toEqual([refusedBy(first.id)]);

      expect(await stage.other.find(rival.id)).toBeUndefined();
      expect(await claim(await stage.consumer(), 5)).toHaveLength(1);
    });

    it('does not concern other keys', async () => {
      await enqueueUnique();

      await stage.enqueue({ unique: { key: `${key} not` } });

      expect(await stage.broker.queueStats(TEST_QUEUE)).toMatchObject({ queued: 2 });
    });

    it('is held while the task waits, runs, and waits for its retry', async () => {
      const { id } = await enqueueUnique();
      const consumer = await stage.consumer();
      expect(await enqueueUnique()).toEqual(refusedBy(id));

      const first = await claimOne(consumer);
      expect(await enqueueUnique()).toEqual(refusedBy(id));

      await consumer.retry(first, retry({ delayMs: LONG_MS }));
      expect(await enqueueUnique()).toEqual(refusedBy(id));
    });

    it('is held over release', async () => {
      const { id } = await enqueueUnique();
      const consumer = await stage.consumer();
      await consumer.release(await claimOne(consumer));

      expect(await enqueueUnique()).toEqual(refusedBy(id));
    });

    it.each([
      [
        'complete',
        async () => {
          const consumer = await stage.consumer();
          await consumer.complete(await claimOne(consumer), success());
        },
      ],
      [
        'complete that keeps no record',
        async () => {
          const consumer = await stage.consumer();
          await consumer.complete(await claimOne(consumer), success({ ttlMs: 0 }));
        },
      ],
      [
        'fail',
        async () => {
          const consumer = await stage.consumer();
          await consumer.fail(await claimOne(consumer), death());
        },
      ],
      [
        'abandon',
        async () => {
          const consumer = await stage.consumer();
          await consumer.abandon(await claimOne(consumer), abandonment);
        },
      ],
      [
        'cancel',
        async (id: string) => {
          expect(await stage.broker.cancel(id, cancelRequest())).toBe('cancelled');
        },
      ],
      [
        'purge',
        async () => {
          expect(await stage.broker.purgeQueue(TEST_QUEUE)).toBe(1);
        },
      ],
      [
        'discard',
        async (id: string) => {
          const consumer = await stage.consumer();
          await consumer.fail(await claimOne(consumer), death());
          expect(await stage.broker.discardDeadLetters([id])).toBe(1);
        },
      ],
    ] as const)('is given back by %s', async (_verb, end) => {
      const { id } = await enqueueUnique();

      await end(id);

      expect(await enqueueUnique()).toMatchObject({ created: true });
    });

    it('is given back by expire', async () => {
      await stage.enqueue({ unique: { key }, expiresInMs: 20 });
      await stage.advance(40);
      await stage.broker.settleDue(TEST_QUEUE);

      expect(await enqueueUnique()).toMatchObject({ created: true });
    });

    it('lasts no longer than it was asked for', async () => {
      const { id } = await enqueueUnique(100);
      expect(await enqueueUnique(100)).toEqual(refusedBy(id));
      await stage.advance(120);

      expect(await enqueueUnique()).toMatchObject({ created: true });
      expect(await stage.record(id)).toMatchObject({ state: 'queued' });
    });

    it('that was taken over is not given back by its former holder', async () => {
      await enqueueUnique(20);
      const consumer = await stage.consumer();
      const former = await claimOne(consumer);
      await stage.advance(40);
      const { id } = await enqueueUnique();

      await consumer.complete(former, success());

      expect(await enqueueUnique()).toEqual(refusedBy(id));
    });

    it('given twice in one call goes to the first', async () => {
      const twins = [
        newTask(stage.broker, { unique: { key } }),
        newTask(stage.broker, { unique: { key } }),
      ];

      const first = twins[0]?.id ?? '';
      expect(await stage.broker.enqueue(twins)).toEqual([
        { id: first, created: true },
        refusedBy(first),
      ]);
    });
  });

  describe('the record of an ended task', () => {
    it('is kept as long as asked for, and then forgotten', async () => {
      const { id, consumer, delivery } = await stage.running();
      await consumer.complete(delivery, success({ result: '42', ttlMs: 150 }));
      expect(await stage.record(id)).toMatchObject({ state: 'succeeded', result: '42' });
      await stage.advance(200);

      expect(await stage.broker.find(id)).toBeUndefined();
      await expect(stage.broker.waitForEnd(id, 10)).rejects.toThrow(TaskNotFoundError);
      expect(await stage.broker.cancel(id, cancelRequest())).toBe('not-found');
    });

    it('is not kept at all when its retention is 0', async () => {
      const { id, consumer, delivery } = await stage.running();

      expect(await consumer.complete(delivery, success({ ttlMs: 0 }))).toBe('settled');

      expect(await stage.broker.find(id)).toBeUndefined();
      expect(await stage.broker.queueStats(TEST_QUEUE)).toMatchObject({ succeeded: 1, running: 0 });
    });

    it('of a cancelled task is kept as the request says', async () => {
      const id = await stage.enqueue();
      await stage.broker.cancel(id, cancelRequest({ ttlMs: 150 }));
      expect(await stage.record(id)).toMatchObject({ state: 'cancelled' });
      await stage.advance(200);

      expect(await stage.broker.find(id)).toBeUndefined();
    });

    it('may have no result', async () => {
      const { id, consumer, delivery } = await stage.running();

      await consumer.complete(delivery, success({ result: undefined }));

      expect((await stage.record(id)).result).toBeUndefined();
    });
  });
}
