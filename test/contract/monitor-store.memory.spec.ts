import { MemoryBroker } from '../../libs/stem/src/broker/memory/memory-broker.js';
import { monitorStoreContract } from './monitor-store.contract.js';

monitorStoreContract('The monitor store of a MemoryBroker', {
  async createStore() {
    const clock = { time: 1_700_000_000_000, now: () => clock.time };
    const broker = new MemoryBroker({ clock });
    return {
      connect: async () => new MemoryBroker({ sharedWith: broker }),
      async advance(ms) {
        clock.time += ms;
      },
      close: () => broker.close(),
    };
  },
});
