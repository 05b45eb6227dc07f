import { EnqueueOptionError } from '../core/errors.js';
import { describeFailure } from '../core/failure.js';
import { NOON, setup } from '../../../../test/support/client-stage.js';

describe('dead letters', () => {
  /** Three dead letters, one second apart, the oldest first. */
  async function withDeadLetters() {
    const context = setup();
    const { client, clock, openConsumer, claim } = context;
    const consumer = await openConsumer();
    const ids: string[] = [];
    for (const queue of ['a', 'a', 'b']) {
      ids.push((await client.enqueue('email.send', {}, { queue })).id);
      await consumer.fail(await claim(consumer), {
        failure: describeFailure(new Error('no')),
        reason: 'unrecoverable',
        startedAt: clock.at,
      });
      clock.at += 1_000;
    }
    return { ...context, ids: ids as [string, string, string] };
  }

  it('are listed newest first, and shown with their reason', async () => {
    const { client, ids } = await withDeadLetters();
    expect((await client.deadLetters.list()).map(({ id }) => id)).toEqual([...ids].reverse());
    expect(await client.deadLetters.list({ queue: 'b' })).toHaveLength(1);
    expect(await client.deadLetters.list({ limit: 1, offset: 1 })).toMatchObject([{ id: ids[1] }]);
    expect(await client.deadLetters.list({ since: new Date(NOON + 2_000) })).toHaveLength(1);
    expect(await client.deadLetters.get(ids[0])).toMatchObject({
      id: ids[0],
      reason: 'unrecoverable',
      replays: 0,
      error: { message: 'no' },
    });
    expect(await client.deadLetters.get('nowhere')).toBeUndefined();
  });

  it('are replayed oldest first, up to the limit', async () => {
    const { client, ids } = await withDeadLetters();
    expect(await client.deadLetters.replay({ queue: 'a', limit: 1 })).toEqual({
      replayed: [ids[0]],
      skipped: [],
      dryRun: false,
    });
    expect(await client.task(ids[0]).status()).toMatchObject({ state: 'queued', attempt: 0 });
  });

  it('are replayed later with a delay', async () => {
    const { client, ids } = await withDeadLetters();
    await client.deadLetters.replay({ ids: [ids[0]], delay: '1m' });
    expect((await client.task(ids[0]).status())?.state).toBe('scheduled');
  });

  it('are left alone by a dry run, which says what would be', async () => {
    const { client, ids } = await withDeadLetters();
    expect(await client.deadLetters.replay({ ids: [ids[1], 'nowhere'], dryRun: true })).toEqual({
      replayed: [ids[1]],
      skipped: ['nowhere'],
      dryRun: true,
    });
    expect(await client.deadLetters.list()).toHaveLength(3);
  });

  it('are purged by queue and age', async () => {
    const { client } = await withDeadLetters();
    expect(await client.deadLetters.purge({ queue: 'a', since: new Date(NOON + 500) })).toBe(1);
    expect(await client.deadLetters.list()).toHaveLength(2);
  });

  it('can be narrowed by task and by reason', async () => {
    const { client, ids } = await withDeadLetters();
    const { deadLetters } = client;
    expect(await deadLetters.list({ task: 'email.send', limit: 1, offset: 1 })).toMatchObject([
      { id: ids[1] },
    ]);
    expect(await deadLetters.list({ task: 'another' })).toEqual([]);
    expect(await deadLetters.list({ reason: 'unrecoverable' })).toHaveLength(3);
    expect(await deadLetters.list({ reason: 'delivery-limit' })).toEqual([]);
    expect(await deadLetters.purge({ queue: 'a', reason: 'delivery-limit' })).toBe(0);
    expect(await deadLetters.purge({ ids, task: 'another' })).toBe(0);
    expect(await deadLetters.replay({ queue: 'a', task: 'email.send', limit: 1 })).toMatchObject({
      replayed: [ids[0]],
    });
  });

  it('are gone through in batches, none twice, however many died in one millisecond', async () => {
    const { client, openConsumer } = setup();
    const consumer = await openConsumer();
    const ids: string[] = [];
    for (let i = 0; i < 1_203; i++) ids.push((await client.enqueue('email.send')).id);
    for (let left = ids.length; left > 0;) {
      const claimed = await consumer.claim(500);
      if (claimed.outcome !== 'claimed') throw new Error(claimed.outcome);
      left -= claimed.deliveries.length;
      for (const delivery of claimed.deliveries) {
        await consumer.fail(delivery, {
          failure: describeFailure(new Error('no')),
          reason: 'unrecoverable',
          startedAt: 0,
        });
      }
    }
    const progress: unknown[] = [];
    const report = await client.deadLetters.replay({
      queue: 'default',
      task: 'email.send',
      onProgress: (step) => progress.push(step),
    });
    expect(new Set(report.replayed)).toEqual(new Set(ids));
    expect(report.replayed).toHaveLength(ids.length);
    expect(progress).toEqual([500, 1_000, 1_203].map((done) => ({ done, total: 1_203 })));
  });

  it.each([{}, { queue: 'a', ids: ['x'] }])('need a selection: %p is none', async (selection) => {
    const { client } = await withDeadLetters();
    await expect(client.deadLetters.purge(selection)).rejects.toThrow(EnqueueOptionError);
    await expect(client.deadLetters.replay(selection)).rejects.toThrow(EnqueueOptionError);
    expect(await client.deadLetters.list()).toHaveLength(3);
  });
});
