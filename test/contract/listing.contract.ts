import type { TaskQuery } from '../../libs/stem/src/broker/broker.js';
import { TASK_STATES } from '../../libs/stem/src/core/task-state.js';
import {
  abandonment,
  type BrokerHarness,
  cancelRequest,
  claim,
  death,
  retry,
  success,
  useStage,
} from './broker-harness.js';

/** Looking at tasks by state, queue and name. */
export function listingContract(harness: BrokerHarness): void {
  const stage = useStage(harness);

  const list = async (query: Partial<TaskQuery> = {}): Promise<string[]> =>
    (await stage.other.listTasks({ limit: 100, ...query })).map(({ id }) => id);

  /** Tasks with some time between them, the last first. */
  const enqueueInTurn = async (
    count: number,
    options: Parameters<typeof stage.enqueue>[0],
  ): Promise<string[]> => {
    const ids: string[] = [];
    for (let i = 0; i < count; i++) {
      ids.unshift(await stage.enqueue(options));
      await stage.advance(3);
    }
    return ids;
  };

  it('of nothing is empty', async () => {
    expect(await list()).toEqual([]);
    expect(await list({ queue: 'never used' })).toEqual([]);
  });

  it('finds a task in the state that it is in, and in no other', async () => {
    const consumer = await stage.consumer();
    const ids: Record<string, string> = {};
    ids['succeeded'] = await stage.enqueue();
    await consumer.complete((await claim(consumer, 1))[0]!, success());
    ids['failed'] = await stage.enqueue();
    await consumer.fail((await claim(consumer, 1))[0]!, death());
    ids['retrying'] = await stage.enqueue();
    await consumer.retry((await claim(consumer, 1))[0]!, retry({ delayMs: 60_000 }));
    ids['cancelled'] = await stage.enqueue();
    await consumer.abandon((await claim(consumer, 1))[0]!, abandonment);
    ids['expired'] = await stage.enqueue({ expiresInMs: 1 });
    await stage.advance(5);
    await stage.broker.settleDue('work');
    ids['running'] = await stage.enqueue();
    await claim(consumer, 1);
    ids['queued'] = await stage.enqueue();
    ids['scheduled'] = await stage.enqueue({ delayMs: 60_000 });

    for (const state of TASK_STATES) {
      expect([state, await list({ state })]).toEqual([state, [ids[state]]]);
    }
    expect((await list()).sort()).toEqual(Object.values(ids).sort());
    expect(await list({ state: 'running', queue: 'other' })).toEqual([]);
  });

  it('tells of each what find tells', async () => {
    const { id } = await stage.running({ name: 'email.send', args: { to: 'Ada' }, priority: 3 });
    expect(await stage.other.listTasks({ limit: 1 })).toEqual([await stage.record(id)]);
  });

  it('has the latest first, in pages', async () => {
    const ids = await enqueueInTurn(5, { place: 'here' });
    expect(await list({ state: 'queued' })).toEqual(ids);
    expect(await list({ limit: 2 })).toEqual(ids.slice(0, 2));
    expect(await list({ limit: 2, offset: 3 })).toEqual(ids.slice(3));
    expect(await list({ limit: 2, offset: 5 })).toEqual([]);
    expect(await list({ limit: 0 })).toEqual([]);
  });

  it('places scheduled tasks by when they are due', async () => {
    const later = await stage.enqueue({ delayMs: 90_000 });
    const sooner = await stage.enqueue({ delayMs: 60_000 });
    expect(await list({ state: 'scheduled' })).toEqual([later, sooner]);
  });

  it('places ended tasks by when they ended', async () => {
    const consumer = await stage.consumer();
    await enqueueInTurn(3, {});
    const held = await claim(consumer, 3);
    for (const delivery of held) {
      await consumer.complete(delivery, success());
      await stage.advance(3);
    }
    const expected = held.map(({ envelope }) => envelope.id).reverse();
    expect(await list({ state: 'succeeded' })).toEqual(expected);
    expect(await list({ state: 'succeeded', limit: 1, offset: 1 })).toEqual([expected[1]]);
  });

  it('merges queues and priorities', async () => {
    const first = await stage.enqueue({ queue: 'a', priority: 9 });
    await stage.advance(3);
    const second = await stage.enqueue({ queue: 'b', priority: 1 });
    await stage.advance(3);
    const third = await stage.enqueue({ queue: 'a', priority: 1 });
    expect(await list()).toEqual([third, second, first]);
    expect(await list({ queue: 'a' })).toEqual([third, first]);
  });

  it.each(['email.send', 'with "quotes" and \\', 'größe/α'])(
    'finds %s by its name',
    async (name) => {
      const consumer = await stage.consumer();
      const wanted = [];
      for (const one of [name, 'other', name]) {
        const id = await stage.enqueue({ name: one });
        if (one === name) wanted.push(id);
      }
      expect((await list({ name })).sort()).toEqual(wanted.sort());
      for (const delivery of await claim(consumer, 3)) await consumer.fail(delivery, death());
      expect((await list({ name, state: 'failed' })).sort()).toEqual(wanted.sort());
      await stage.broker.replay(await list({ state: 'failed' }), { delayMs: 60_000 });
      expect((await list({ name, state: 'scheduled' })).sort()).toEqual(wanted.sort());
      for (const id of wanted) await stage.broker.cancel(id, cancelRequest());
      expect((await list({ name, state: 'cancelled' })).sort()).toEqual(wanted.sort());
    },
  );
}
