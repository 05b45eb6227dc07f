import { Redis } from 'ioredis';
import type { Delivery } from '../../libs/stem/src/broker/broker.js';
import { RedisBroker } from '../../libs/stem/src/broker/redis/redis-broker.js';
import type { RedisConsumer } from '../../libs/stem/src/broker/redis/redis-consumer.js';
import type { RedisDelivery } from '../../libs/stem/src/broker/redis/redis-delivery.js';
import { claim, claimOne, success } from '../contract/broker-harness.js';
import { newTask, TEST_QUEUE } from '../support/new-task.js';
import { type RedisServer, startRedisServer } from '../support/redis-server.js';
import { freshNamespace } from '../support/stem.js';

const LARGE = success({ result: JSON.stringify('r'.repeat(10_000)) });
const LEASE_MS = 60;

let redis: RedisServer;
let admin: Redis;
let broker: RedisBroker;
let namespace: string;
let consumer: RedisConsumer;
let delivery: Delivery;

beforeAll(async () => {
  redis = await startRedisServer();
  admin = new Redis(redis.url());
  await admin.call('ACL', 'SETUSER', 'app', 'on', '>secret', '~*', '&*', '+@all');
});
afterAll(async () => {
  admin.disconnect();
  await redis.stop();
});
beforeEach(async () => {
  namespace = freshNamespace();
  broker = new RedisBroker({
    connection: { url: redis.url().replace('//', '//app:secret@') },
    namespace,
  });
  await broker.connect();
  await broker.enqueue([newTask(broker)]);
  consumer = (await broker.openConsumer({
    worker: 'worker',
    queues: [TEST_QUEUE],
    leaseMs: LEASE_MS,
  })) as RedisConsumer;
  delivery = await claimOne(consumer);
});
afterEach(async () => {
  await admin.call('ACL', 'SETUSER', 'app', '+set');
  await consumer.close();
  await broker.close();
});

/** What went ahead of a call and was not put in its place. */
const staged = (): Promise<string[]> => admin.keys(`{${namespace}:0}:c:*`);

describe('a large result, which is written ahead of the call that settles its task', () => {
  it('leaves nothing beside the record', async () => {
    expect(await consumer.complete(delivery, LARGE)).toBe('settled');

    expect(await staged()).toEqual([]);
    expect((await broker.find(delivery.envelope.id))?.result).toBe(LARGE.result);
  });

  it('does not settle its task when it could not be written, and goes another way then', async () => {
    await admin.call('ACL', 'SETUSER', 'app', '-set');
    await expect(consumer.complete(delivery, LARGE)).rejects.toThrow(/UNSTAGED/);
    expect((await broker.find(delivery.envelope.id))?.state).toBe('running');

    expect(await consumer.complete(delivery, LARGE)).toBe('settled');
    expect((await broker.find(delivery.envelope.id))?.result).toBe(LARGE.result);
  });

  it('is settled by its second try while Redis is full', async () => {
    await admin.config('SET', 'maxmemory', '1');
    try {
      await expect(consumer.complete(delivery, LARGE)).rejects.toThrow(/UNSTAGED|OOM/);
      expect(await consumer.complete(delivery, LARGE)).toBe('settled');
    } finally {
      await admin.config('SET', 'maxmemory', '0');
    }
    expect((await broker.find(delivery.envelope.id))?.result).toBe(LARGE.result);
  });

  it('is kept beside its neighbours when a stream holds its task twice', async () => {
    const { id } = delivery.envelope;
    const neighbour = newTask(broker);
    const text = (delivery as RedisDelivery).envelopeText;
    await admin.xadd(`{${namespace}:0}:q:0:${TEST_QUEUE}`, '*', 'm', text);
    await broker.enqueue([neighbour]);
    const [twin, last] = await claim(consumer, 2);

    await Promise.all(
      [delivery, twin, last].map((held) => consumer.complete(held as Delivery, LARGE)),
    );

    expect((await broker.find(id))?.result).toBe(LARGE.result);
    expect((await broker.find(neighbour.id))?.result).toBe(LARGE.result);
  });

  it('is refused together with the claim that it travels with, and sets out again', async () => {
    await admin.call('ACL', 'SETUSER', 'app', '-set');
    const completed = consumer.complete(delivery, LARGE);
    const claimed = consumer.claim(1);

    await expect(claimed).rejects.toThrow(/UNSTAGED/);
    await admin.call('ACL', 'SETUSER', 'app', '+set');
    const outcome = await completed.catch(() => consumer.complete(delivery, LARGE));
    expect(outcome).toBe('settled');
    expect((await consumer.claim(1)).outcome).toBe('claimed');
  });

  it('goes by itself when the lease was lost', async () => {
    while ((await broker.reclaim({ maxLosses: 3 })).consumers.length === 0);

    expect(await consumer.complete(delivery, LARGE)).toBe('lease-lost');

    const [key = ''] = await staged();
    const ttlMs = await admin.pttl(key);
    expect(ttlMs).toBeGreaterThan(0);
    expect(ttlMs).toBeLessThanOrEqual(60_000);
  });
});
