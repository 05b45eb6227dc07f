import { runProducer, runWorker } from '../child-process.js';
import { measuresOfReading, valuesOfReading } from './readings.js';
import { CONCURRENCIES, type Scenario } from './scenario.js';

/** Part of the tasks that is run before the measurement begins, so that the code is warm. */
const WARM_UP = 0.1;

/** One worker process runs what a producer process, gone by then, has left in the queue. */
export const processingScenarios: readonly Scenario[] = CONCURRENCIES.map((concurrency) => {
  const name = `processing-${concurrency}`;
  return {
    name,
    measures: measuresOfReading(name, `processing, concurrency ${concurrency}`, 'worker'),
    async run({ url, contender, sizes }) {
      const tasks = sizes.processing[concurrency];
      await runProducer({ contender, url, mode: 'bulk', tasks, warmUp: 0 });
      const warmUp = Math.ceil(tasks * WARM_UP);
      const reading = await runWorker({ contender, url, concurrency, tasks, warmUp });
      return valuesOfReading(name, reading);
    },
  };
});
