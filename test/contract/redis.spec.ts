import { setTimeout as delay } from 'node:timers/promises';
import { nanoid } from 'nanoid';
import { RedisBroker } from '../../libs/stem/src/broker/redis/redis-broker.js';
import { type RedisServer, startRedisServer } from '../support/redis-server.js';
import type { BrokerHarness } from './broker-harness.js';
import { brokerContract } from './broker.contract.js';
import { controlBusContract } from './control-bus.contract.js';

let server: RedisServer;

beforeAll(async () => {
  server = await startRedisServer();
});

afterAll(() => server.stop());

describe.each([1, 4])('with %i partition(s)', (partitions) => {
  const harness: BrokerHarness = {
    realTime: true,
    async createStore() {
      const namespace = `test-${nanoid(8)}`;
      return {
        async connect() {
          const connection = { url: server.url() };
          const broker = new RedisBroker({ connection, namespace, partitions });
          await broker.connect();
          return broker;
        },
        // Some of it for a timer that fires early.
        advance: (ms) => delay(ms + 2),
      };
    },
  };
  brokerContract('RedisBroker', harness);
  if (partitions === 1) {
    describe('the control bus of RedisBroker', () => controlBusContract(harness));
  }
});
