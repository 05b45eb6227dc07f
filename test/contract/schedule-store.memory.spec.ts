import { MemoryBroker } from '../../libs/stem/src/broker/memory/memory-broker.js';
import {
  MemorySchedules,
  MemoryScheduleStore,
} from '../../libs/stem/src/broker/memory/memory-schedule-store.js';
import { scheduleStoreContract, sequenceContract } from './schedule-store.contract.js';

const handClock = () => {
  const clock = { time: 1_700_000_000_000, now: () => clock.time };
  return clock;
};

scheduleStoreContract('Schedules beside the queues of a MemoryBroker', {
  together: true,
  async createStore() {
    const clock = handClock();
    const broker = new MemoryBroker({ clock });
    return {
      broker,
      connect: async () => new MemoryBroker({ sharedWith: broker }).schedules,
      async advance(ms) {
        clock.time += ms;
      },
      close: () => broker.close(),
    };
  },
});

scheduleStoreContract('MemoryScheduleStore of its own', {
  together: false,
  async createStore() {
    const clock = handClock();
    const broker = new MemoryBroker({ clock });
    const content = new MemorySchedules();
    return {
      broker,
      connect: async () => new MemoryScheduleStore({ clock, content }),
      async advance(ms) {
        clock.time += ms;
      },
      close: () => broker.close(),
    };
  },
});

sequenceContract('MemoryBroker', async () => new MemoryBroker());
