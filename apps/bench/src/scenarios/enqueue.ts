import { type EnqueueMode, runProducer } from '../child-process.js';
import { measuresOfReading, valuesOfReading } from './readings.js';
import type { Scenario } from './scenario.js';

const TITLES: Readonly<Record<EnqueueMode, string>> = {
  awaited: 'enqueue, one at a time',
  concurrent: 'enqueue, 500 in flight',
  bulk: 'enqueue, 1,000 per call',
};

/** Part of the measured tasks that is enqueued before, so that the code is warm. */
const WARM_UP = 0.1;

/** A producer process enqueues into an empty queue that no worker serves. */
export const enqueueScenarios: readonly Scenario[] = (
  ['awaited', 'concurrent', 'bulk'] as const
).map((mode) => {
  const name = `enqueue-${mode}`;
  return {
    name,
    measures: measuresOfReading(name, TITLES[mode], 'producer'),
    async run({ url, contender, sizes }) {
      const tasks = sizes[mode];
      const warmUp = Math.ceil(tasks * WARM_UP);
      return valuesOfReading(name, await runProducer({ contender, url, mode, tasks, warmUp }));
    },
  };
});
