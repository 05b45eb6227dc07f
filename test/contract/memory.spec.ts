import { setTimeout as delay } from 'node:timers/promises';
import { MemoryBroker } from '../../libs/stem/src/broker/memory/memory-broker.js';
import type { BrokerHarness } from './broker-harness.js';
import { brokerContract } from './broker.contract.js';
import { controlBusContract } from './control-bus.contract.js';

brokerContract('MemoryBroker on a clock moved by hand', {
  realTime: false,
  async createStore() {
    const clock = { time: 1_700_000_000_000, now: () => clock.time };
    const content = new MemoryBroker({ clock });
    return {
      connect: async () => new MemoryBroker({ sharedWith: content }),
      async advance(ms) {
        clock.time += ms;
      },
    };
  },
});

const realTime: BrokerHarness = {
  realTime: true,
  async createStore() {
    const content = new MemoryBroker();
    return {
      connect: async () => new MemoryBroker({ sharedWith: content }),
      advance: (ms) => delay(ms + 1),
    };
  },
};
brokerContract('MemoryBroker', realTime);
describe('the control bus of MemoryBroker', () => controlBusContract(realTime));
