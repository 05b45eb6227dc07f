import { type BrokerHarness, claim, claimOne, idsOf, retry, useStage } from './broker-harness.js';

/** Turns under a rate limit. With partitions, each keeps the limit for its share of the tasks. */
export function rateLimitsContract(harness: BrokerHarness): void {
  const stage = useStage(harness);
  const place = 'here';
  /** So long that only the first turn comes during a test. */
  const slow = { key: 'slow', intervalMs: 600_000 };

  it('admits the first task at once, and leaves it in our hands', async () => {
    const { id, consumer, delivery } = await stage.running();

    expect(await consumer.admit(delivery, slow)).toBe('admitted');

    expect(await stage.record(id)).toMatchObject({ state: 'running' });
  });

  it('postpones the next one to a turn of its own, without spending anything', async () => {
    const ids = [await stage.enqueue({ place }), await stage.enqueue({ place })];
    const consumer = await stage.consumer();
    const [first, second] = await claim(consumer, 2);
    if (!first || !second) throw new Error('There were not two tasks');
    expect(await consumer.admit(first, slow)).toBe('admitted');

    expect(await consumer.admit(second, slow)).toBe('postponed');

    const record = await stage.record(ids[1] as string);
    expect(record).toMatchObject({ state: 'scheduled', attempt: 0, deliveries: 0 });
    expect(record.notBefore).toBeGreaterThan(stage.broker.now() + 500_000);
  });

  it('gives no turn twice, whoever asks', async () => {
    for (let i = 0; i < 3; i++) await stage.enqueue({ place });
    const one = await stage.consumer();
    const two = await stage.consumer();
    const [a] = await claim(one, 1);
    const [b, c] = await claim(two, 2);
    if (!a || !b || !c) throw new Error('There were not three tasks');

    const outcomes = [await one.admit(a, slow), await two.admit(b, slow), await two.admit(c, slow)];

    expect(outcomes).toEqual(['admitted', 'postponed', 'postponed']);
    const turns = await Promise.all(
      [b, c].map(async ({ envelope }) => (await stage.record(envelope.id)).notBefore ?? 0),
    );
    expect((turns[1] as number) - (turns[0] as number)).toBeGreaterThanOrEqual(599_999);
  });

  it('hands a postponed task out again when its turn has come, already admitted', async () => {
    const quick = { key: 'quick', intervalMs: 60 };
    const ids = [await stage.enqueue({ place }), await stage.enqueue({ place })];
    const consumer = await stage.consumer();
    const [first, second] = await claim(consumer, 2);
    if (!first || !second) throw new Error('There were not two tasks');
    expect(first.admitted).toBe(false);
    await consumer.admit(first, quick);
    await consumer.admit(second, quick);

    await stage.advance(300);
    const again = await claimOne(consumer);

    expect(again).toMatchObject({ admitted: true, attempt: 0, deliveries: 1 });
    expect(idsOf([again])).toEqual([ids[1]]);
  });

  it('is asked for a turn by each attempt anew', async () => {
    const quick = { key: 'quick', intervalMs: 60 };
    await stage.enqueue({ place });
    const id = await stage.enqueue({ place });
    const consumer = await stage.consumer();
    for (const delivery of await claim(consumer, 2)) await consumer.admit(delivery, quick);
    await stage.advance(300);
    const admitted = await claimOne(consumer);
    expect(admitted).toMatchObject({ envelope: { id }, admitted: true });

    await consumer.retry(admitted, retry());

    expect(await claimOne(consumer)).toMatchObject({ envelope: { id }, admitted: false });
  });

  it('limits keys independently', async () => {
    await stage.enqueue({ place });
    await stage.enqueue({ place });
    const consumer = await stage.consumer();
    const [first, second] = await claim(consumer, 2);
    if (!first || !second) throw new Error('There were not two tasks');

    expect(await consumer.admit(first, slow)).toBe('admitted');
    expect(await consumer.admit(second, { ...slow, key: 'other' })).toBe('admitted');
  });
}
