import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { nanoid } from 'nanoid';
import type { ProcessReport } from '../../libs/stem/src/broker/monitor-store.js';
import { RedisBroker } from '../../libs/stem/src/broker/redis/redis-broker.js';
import { type RedisServer, startRedisServer } from '../support/redis-server.js';
import { monitorStoreContract } from './monitor-store.contract.js';

let server: RedisServer;

beforeAll(async () => {
  server = await startRedisServer();
});

afterAll(() => server.stop());

const connection = () => ({ url: server.url() });

describe.each([1, 4])('with %i partition(s)', (partitions) => {
  monitorStoreContract('The monitor store of a RedisBroker', {
    async createStore() {
      const namespace = `test-${nanoid(8)}`;
      const brokers: RedisBroker[] = [];
      return {
        async connect() {
          const broker = new RedisBroker({ connection: connection(), namespace, partitions });
          brokers.push(broker);
          await broker.connect();
          return broker;
        },
        advance: (ms) => delay(ms + 2),
        async close() {
          for (const broker of brokers) await broker.close();
        },
      };
    },
  });
});

describe('The monitor store of a RedisBroker', () => {
  it('leaves nothing in Redis that does not expire', async () => {
    const namespace = `test-${nanoid(8)}`;
    const broker = new RedisBroker({ connection: connection(), namespace });
    const redis = new Redis(server.url());
    try {
      await broker.connect();
      await broker.monitor.record({
        source: 'one',
        number: 1,
        counts: new Map([['field', 1]]),
        countsKeptMs: 60_000,
        events: [{ type: 'worker-online', at: 1, worker: 'w' }],
        eventsKept: 10,
      });
      const beat = { id: 'b', host: 'h', pid: 1, version: '1', startedAt: 1, intervalMs: 1_000 };
      const facts = {
        eventLoopLagMs: { mean: 0, p99: 0 },
        memory: { rssBytes: 1, heapUsedBytes: 1 },
      };
      await broker.monitor.beat(
        { kind: 'beat', isTicking: true, dispatched: 0, ...beat, ...facts },
        10_000,
      );

      const keys = await redis.keys(`{${namespace}:0}:*`);
      expect(keys.length).toBeGreaterThanOrEqual(6);
      const forGood: string[] = [];
      for (const key of keys) if ((await redis.pttl(key)) < 0) forGood.push(key);
      expect(forGood).toEqual([]);
    } finally {
      redis.disconnect();
      await broker.close();
    }
  });

  it('passes over heartbeats that cannot be read', async () => {
    const namespace = `test-${nanoid(8)}`;
    const broker = new RedisBroker({ connection: connection(), namespace });
    const beat = (report: object) => broker.monitor.beat(report as ProcessReport, 10_000);
    const worker = {
      ...{ kind: 'worker', name: 'w', intervalMs: 1_000, queues: ['q'], paused: [] },
      ...{ eventLoopLagMs: { mean: 0, p99: 0 }, memory: { rssBytes: 1, heapUsedBytes: 1 } },
      counts: { runs: {}, leasesLost: 0, blocks: 0 },
    };
    try {
      await broker.connect();
      await beat({ ...worker, id: 'whole' });
      for (const field of Object.keys(worker)) {
        await beat({ ...worker, id: `without ${field}`, [field]: undefined });
      }
      await beat({ ...worker, id: 'queues of another type', queues: [1] });
      const { processes } = await broker.monitor.processes();
      expect(processes.map(({ report }) => report.id)).toEqual(['whole']);
    } finally {
      await broker.close();
    }
  });

  it('follows on after an outage', async () => {
    const own = await startRedisServer({ args: ['--appendonly', 'yes'] });
    const broker = new RedisBroker({ connection: { url: own.url() }, namespace: 'outage' });
    const event = (at: number) => [{ type: 'worker-online' as const, at }];
    const batch = {
      source: 's',
      counts: new Map<string, number>(),
      countsKeptMs: 1,
      eventsKept: 10,
    };
    try {
      await broker.connect();
      const follower = broker.monitor.followEvents();
      await follower.next(10);
      await broker.monitor.record({ ...batch, number: 1, events: event(1) });
      expect((await follower.next(10_000)).map(({ at }) => at)).toEqual([1]);
      const waiting = follower.next(30_000);
      await own.restart();
      await broker.monitor.record({ ...batch, number: 2, events: event(2) });
      expect((await waiting).map(({ at }) => at)).toEqual([2]);
      follower.close();
    } finally {
      await broker.close();
      await own.stop();
    }
  });
});
