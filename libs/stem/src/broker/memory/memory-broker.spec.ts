import { encodeEnvelope } from '../../core/envelope.js';
import { StemClosedError } from '../../core/errors.js';
import type { Consumer, NewTask } from '../broker.js';
import { MemoryBroker } from './memory-broker.js';
import { MemoryResultBackend } from './memory-result-backend.js';

const QUEUE = 'work';

/** What only this broker promises; `test/contract` holds what it has in common with others. */
describe('MemoryBroker', () => {
  const setup = (): {
    clock: { time: number; now(): number };
    broker: MemoryBroker;
    open(): Promise<Consumer>;
    task(options?: Partial<NewTask>): NewTask;
  } => {
    const clock = { time: 1_000_000, now: () => clock.time };
    const broker = new MemoryBroker({ clock, purgedTtlMs: 1_000 });
    return {
      clock,
      broker,
      open: () => broker.openConsumer({ worker: 'worker', queues: [QUEUE], leaseMs: 1_000 }),
      task(options) {
        const id = broker.newTaskId();
        const envelope = encodeEnvelope({ id, name: 'test.task', argsJson: 'null' });
        return { id, queue: QUEUE, priority: 0, envelope, ...options };
      },
    };
  };

  /** Whether each wait has ended, after everything that is due now had its turn. */
  const ended = async (waits: readonly Promise<void>[]): Promise<boolean[]> => {
    const done = waits.map(() => false);
    waits.forEach((wait, i) => void wait.then(() => (done[i] = true)));
    await new Promise((resolve) => setImmediate(resolve));
    return done;
  };

  it('wakes one waiting consumer per task, those who waited longest first', async () => {
    const { broker, open, task } = setup();
    const consumers = [await open(), await open(), await open()];
    const waits = consumers.map((consumer) => consumer.waitForWork(60_000));

    await broker.enqueue([task()]);
    expect(await ended(waits)).toEqual([true, false, false]);
    await broker.enqueue([task({ queue: 'another' })]);
    expect(await ended(waits)).toEqual([true, false, false]);
    await broker.enqueue([task()]);
    expect(await ended(waits)).toEqual([true, true, false]);
  });

  it.each(['stopWaiting', 'close'] as const)(
    'passes a wake-up on when the one who got it leaves by %s',
    async (leave) => {
      const { broker, open, task } = setup();
      const [leaver, other] = [await open(), await open()];
      const waits = [leaver.waitForWork(60_000), other.waitForWork(60_000)];
      await broker.enqueue([task()]);

      await leaver[leave]();

      expect(await ended(waits)).toEqual([true, true]);
    },
  );

  it('wakes a consumer whose lease was taken away', async () => {
    const { clock, broker, open } = setup();
    const wait = (await open()).waitForWork(60_000);
    clock.time += 2_000;

    await broker.reclaim({ maxLosses: 3 });

    expect(await ended([wait])).toEqual([true]);
  });

  it.each(['purged', 'expired'])('forgets a %s task after the time set for it', async (how) => {
    const { clock, broker, task } = setup();
    const waiting = task(how === 'expired' ? { expiresInMs: 0 } : {});
    await broker.enqueue([waiting]);
    if (how === 'purged') await broker.purgeQueue(QUEUE);
    else await broker.settleDue(QUEUE);

    clock.time += 999;
    expect(await broker.find(waiting.id)).toBeDefined();
    clock.time += 1;
    expect(await broker.find(waiting.id)).toBeUndefined();
  });

  it('keeps a task whose id was used before when the first one is forgotten', async () => {
    const { clock, broker, task } = setup();
    const first = task();
    await broker.enqueue([first]);
    await broker.purgeQueue(QUEUE);
    clock.time += 1_000;
    expect(await broker.enqueue([first])).toEqual([{ id: first.id, created: true }]);

    await broker.settleDue(QUEUE);

    expect(await broker.find(first.id)).toMatchObject({ state: 'queued' });
  });

  it('takes an envelope that names another task for corrupt', async () => {
    const { broker, open, task } = setup();
    const wrong = task({ envelope: '["another","test.task",null]' });
    await broker.enqueue([wrong]);

    expect(await (await open()).claim(1)).toMatchObject({ deliveries: [] });

    expect(await broker.find(wrong.id)).toMatchObject({ reason: 'corrupt-record' });
  });

  it('refuses calls after it was closed, and ends waits, but keeps what others share', async () => {
    const { broker, task } = setup();
    const sharer = new MemoryBroker({ sharedWith: broker });
    const waiting = task();
    await broker.enqueue([waiting]);
    const wait = expect(broker.waitForEnd(waiting.id, 60_000)).rejects.toThrow(StemClosedError);

    await broker.close();

    await wait;
    await expect(broker.find(waiting.id)).rejects.toThrow(StemClosedError);
    expect(await sharer.find(waiting.id)).toMatchObject({ state: 'queued' });
  });
});

describe('MemoryResultBackend', () => {
  it('keeps a result for its time, counted from when it was last written', async () => {
    const clock = { time: 0, now: () => clock.time };
    const results = new MemoryResultBackend({ clock });
    await results.put('key', '1', 100);
    clock.time = 50;
    await results.put('key', '1', 100);

    clock.time = 149;
    await results.put('another', '2', 100);
    expect(await results.get('key')).toBe('1');
    clock.time = 150;
    expect(await results.get('key')).toBeUndefined();
    expect(await results.get('unknown')).toBeUndefined();
  });
});
