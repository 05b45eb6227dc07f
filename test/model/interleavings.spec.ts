import { Redis } from 'ioredis';
import { MemoryBroker } from '../../libs/stem/src/broker/memory/memory-broker.js';
import { RedisBroker } from '../../libs/stem/src/broker/redis/redis-broker.js';
import { startRedisServer } from '../support/redis-server.js';
import { freshNamespace } from '../support/stem.js';
import {
  type ActorName,
  countOf,
  interleavingsOf,
  play,
  type Scenario,
  type SettleVerb,
  type Step,
  type World,
} from './interleavings.js';

const VERBS: readonly SettleVerb[] = ['complete', 'retry', 'fail', 'abandon', 'release'];

/** Two workers that end the task in some way, one of them perhaps after it has lost it. */
const everyPairOfVerbs = (steps: (verb: SettleVerb) => readonly Step[]): Scenario[] =>
  VERBS.flatMap((first) =>
    VERBS.map((second) => ({
      one: ['claim', first],
      two: steps(second),
      reclaimer: ['reclaim'],
      canceller: ['cancel'],
      clock: ['time'],
    })),
  );

function memoryWorld(): World {
  let now = 1_000_000;
  const broker = new MemoryBroker({ clock: { now: () => now } });
  return { broker, expireLeases: async () => void (now += 3_600_001) };
}

async function playAll(world: () => World, scenario: Scenario): Promise<number> {
  let played = 0;
  for (const order of interleavingsOf(scenario)) {
    await play(world(), scenario, order);
    played++;
  }
  return played;
}

describe('every interleaving of two workers, a reclaimer and a canceller', () => {
  it('is one of the orders there are, and none is left out', () => {
    const scenario: Scenario = { one: ['claim', 'complete'], reclaimer: ['reclaim'] };
    expect([...interleavingsOf(scenario)]).toEqual([
      ['one', 'one', 'reclaimer'],
      ['one', 'reclaimer', 'one'],
      ['reclaimer', 'one', 'one'],
    ]);
    expect(countOf(scenario)).toBe(3);
  });

  it('keeps the invariants, however either worker ends the task', async () => {
    let played = 0;
    for (const scenario of everyPairOfVerbs((verb) => ['claim', verb])) {
      played += await playAll(memoryWorld, scenario);
    }
    expect(played).toBe(25 * 1_260);
  });

  it.each<[string, Scenario]>([
    [
      'a lease that is renewed too late, or just in time',
      {
        one: ['claim', 'renew', 'complete'],
        two: ['claim', 'complete'],
        reclaimer: ['reclaim', 'reclaim'],
        canceller: ['cancel'],
        clock: ['time'],
      },
    ],
    [
      'a worker that stops while it runs the task',
      {
        one: ['claim', 'close', 'complete'],
        two: ['claim', 'retry', 'claim'],
        reclaimer: ['reclaim'],
        canceller: ['cancel'],
        clock: ['time'],
      },
    ],
    [
      'a task that comes back again and again',
      {
        one: ['claim', 'retry', 'claim', 'release'],
        two: ['claim', 'release', 'claim'],
        reclaimer: ['reclaim'],
        clock: ['time'],
      },
    ],
  ])('keeps the invariants with %s', async (_what, scenario) => {
    expect(await playAll(memoryWorld, scenario)).toBe(countOf(scenario));
  });

  it('notices a broker that accepts outcomes of workers which lost their lease', async () => {
    const scenario: Scenario = {
      one: ['claim', 'complete'],
      reclaimer: ['reclaim'],
      clock: ['time'],
    };
    const order: ActorName[] = ['one', 'clock', 'reclaimer', 'one'];
    const world = memoryWorld();
    const forgetful = Object.create(world.broker, {
      openConsumer: {
        value: async (options: Parameters<typeof world.broker.openConsumer>[0]) => {
          const consumer = await world.broker.openConsumer(options);
          return Object.create(consumer, {
            id: { value: consumer.id },
            claim: { value: consumer.claim.bind(consumer) },
            complete: { value: async () => 'settled' },
            close: { value: consumer.close.bind(consumer) },
          }) as typeof consumer;
        },
      },
      enqueue: { value: world.broker.enqueue.bind(world.broker) },
      find: { value: world.broker.find.bind(world.broker) },
      reclaim: { value: world.broker.reclaim.bind(world.broker) },
      newTaskId: { value: world.broker.newTaskId.bind(world.broker) },
    }) as MemoryBroker;
    await expect(play({ ...world, broker: forgetful }, scenario, order)).rejects.toThrow(
      /complete was answered settled, not lease-lost/,
    );
  });
});

describe('the same on Redis', () => {
  it('keeps the invariants in every order of smaller sets of steps', async () => {
    const redis = await startRedisServer();
    const raw = new Redis(redis.url());
    const namespace = freshNamespace();
    const broker = new RedisBroker({ connection: { url: redis.url() }, namespace });
    await broker.connect();
    const leases = `{${namespace}:0}:leases`;
    const world: World = {
      broker,
      // The server's clock cannot be moved; the ends of the leases can.
      expireLeases: async () => {
        for (const consumer of await raw.zrange(leases, 0, '-1'))
          await raw.zadd(leases, 1, consumer);
      },
    };
    const scenarios: Scenario[] = [
      {
        one: ['claim', 'complete'],
        two: ['claim', 'retry'],
        reclaimer: ['reclaim'],
        clock: ['time'],
      },
      {
        one: ['claim', 'release'],
        two: ['claim', 'fail'],
        reclaimer: ['reclaim'],
        clock: ['time'],
      },
      {
        one: ['claim', 'retry'],
        two: ['claim'],
        reclaimer: ['reclaim'],
        canceller: ['cancel'],
        clock: ['time'],
      },
    ];
    for (const scenario of scenarios) {
      expect(await playAll(() => world, scenario)).toBe(countOf(scenario));
    }
    await broker.close();
    raw.disconnect();
    await redis.stop();
  });
});
