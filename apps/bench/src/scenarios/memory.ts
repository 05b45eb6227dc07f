import { PLAIN } from '../load.js';
import { readRedisStats } from '../redis-stats.js';
import { fill } from './fill.js';
import type { Scenario } from './scenario.js';

const NAME = 'memory';

/** How much memory of the server a waiting task takes, indexes and all. */
export const memoryScenario: Scenario = {
  name: NAME,
  contenders: ['stem', 'bullmq', 'beeQueue', 'floor'],
  isShort: true,
  measures: [
    {
      name: `${NAME}.bytes`,
      title: 'Redis memory for a queued task',
      unit: 'bytes',
      better: 'lower',
      isCost: false,
    },
  ],
  async run(bench) {
    const { redis, sizes } = bench;
    const before = await readRedisStats(redis);
    await fill(bench, PLAIN, sizes.queued);
    const after = await readRedisStats(redis);
    return { [`${NAME}.bytes`]: (after.usedMemoryBytes - before.usedMemoryBytes) / sizes.queued };
  },
};
