import { runProducer } from '../child-process.js';
import { readRedisStats } from '../redis-stats.js';
import type { Scenario } from './scenario.js';

const NAME = 'memory';

/** How much memory of the server a waiting task takes, indexes and all. */
export const memoryScenario: Scenario = {
  name: NAME,
  measures: [
    {
      name: `${NAME}.bytes`,
      title: 'Redis memory for a queued task',
      unit: 'bytes',
      better: 'lower',
      isCost: false,
    },
  ],
  async run({ url, redis, contender, sizes }) {
    const before = await readRedisStats(redis);
    await runProducer({ contender, url, mode: 'bulk', tasks: sizes.queued, warmUp: 0 });
    const after = await readRedisStats(redis);
    return { [`${NAME}.bytes`]: (after.usedMemoryBytes - before.usedMemoryBytes) / sizes.queued };
  },
};
