import { runChild } from '../child-process.js';
import { CONTENDERS } from '../contenders/index.js';
import { PLAIN } from '../load.js';
import type { Reading } from '../meter.js';
import type { EnqueueMode, ProduceJob } from '../processes/produce.js';
import { measuresOfReading, valuesOfReading } from './readings.js';
import type { Scenario } from './scenario.js';

const TITLES = {
  awaited: 'enqueue, one at a time',
  concurrent: 'enqueue, 500 in flight',
  bulk: 'enqueue, 1,000 per call',
} as const satisfies Partial<Record<EnqueueMode, string>>;

/** A producer process enqueues into an empty queue that no worker serves. */
export const enqueueScenarios: readonly Scenario[] = (
  ['awaited', 'concurrent', 'bulk'] as const
).map((mode) => {
  const name = `enqueue-${mode}`;
  return {
    name,
    contenders: CONTENDERS,
    isShort: true,
    measures: measuresOfReading(name, TITLES[mode], 'producer'),
    async run({ url, contender, sizes }) {
      const job: ProduceJob = { contender, url, load: PLAIN, mode, ...sizes[mode] };
      return valuesOfReading(name, await runChild<Reading>('produce', job));
    },
  };
});
