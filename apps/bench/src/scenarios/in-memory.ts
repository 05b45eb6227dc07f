import { runChild } from '../child-process.js';
import { PLAIN } from '../load.js';
import type { InMemoryJob } from '../processes/in-memory.js';
import type { Scenario } from './scenario.js';

/** The broker that needs no Redis. */
export const inMemoryScenario: Scenario = {
  name: 'in-memory',
  contenders: ['stem'],
  measures: [
    {
      name: 'in-memory.enqueued',
      title: 'in memory: enqueue, 1,000 per call',
      unit: 'tasks/s',
      better: 'higher',
      isCost: false,
    },
    {
      name: 'in-memory.processed',
      title: 'in memory: processing, concurrency 100',
      unit: 'tasks/s',
      better: 'higher',
      isCost: false,
    },
  ],
  async run({ contender, url, sizes }) {
    const job: InMemoryJob = { contender, url, load: PLAIN, ...sizes.inMemory };
    const { enqueuedPerSecond, processedPerSecond } = await runChild<{
      enqueuedPerSecond: number;
      processedPerSecond: number;
    }>('in-memory', job);
    return { 'in-memory.enqueued': enqueuedPerSecond, 'in-memory.processed': processedPerSecond };
  },
};
