import { setTimeout as delay } from 'node:timers/promises';
import { nanoid } from 'nanoid';
import { RedisBroker } from '../../libs/stem/src/broker/redis/redis-broker.js';
import { RedisScheduleStore } from '../../libs/stem/src/broker/redis/redis-schedule-store.js';
import type { ScheduleStore } from '../../libs/stem/src/broker/schedule-store.js';
import { type RedisServer, startRedisServer } from '../support/redis-server.js';
import { scheduleStoreContract, sequenceContract } from './schedule-store.contract.js';

let server: RedisServer;

beforeAll(async () => {
  server = await startRedisServer();
});

afterAll(() => server.stop());

async function connectBroker(namespace: string, partitions = 1): Promise<RedisBroker> {
  const broker = new RedisBroker({ connection: { url: server.url() }, namespace, partitions });
  await broker.connect();
  return broker;
}

describe.each([1, 4])('with %i partition(s)', (partitions) => {
  scheduleStoreContract('Schedules beside the queues of a RedisBroker', {
    together: true,
    async createStore() {
      const namespace = `test-${nanoid(8)}`;
      const brokers: RedisBroker[] = [];
      const connect = async (): Promise<RedisBroker> => {
        const broker = await connectBroker(namespace, partitions);
        brokers.push(broker);
        return broker;
      };
      return {
        broker: await connect(),
        connect: async () => (await connect()).schedules,
        advance: (ms) => delay(ms + 2),
        async close() {
          for (const broker of brokers) await broker.close();
        },
      };
    },
  });
});

scheduleStoreContract('RedisScheduleStore in another database', {
  together: false,
  async createStore() {
    const namespace = `test-${nanoid(8)}`;
    const broker = await connectBroker(namespace);
    return {
      broker,
      async connect(): Promise<ScheduleStore> {
        const store = new RedisScheduleStore({ connection: { url: server.url(2) }, namespace });
        await store.connect();
        return store;
      },
      advance: (ms) => delay(ms + 2),
      close: () => broker.close(),
    };
  },
});

sequenceContract('RedisBroker', () => connectBroker(`test-${nanoid(8)}`));
