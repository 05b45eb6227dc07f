import { runChild } from '../child-process.js';
import { PLAIN, RESULT_BYTES } from '../load.js';
import type { Promotion, PromotionJob } from '../processes/promotion.js';
import { longestCallMs } from '../redis-stats.js';
import { fill } from './fill.js';
import { fillAndProcess } from './processing.js';
import type { Measure, Scenario } from './scenario.js';

const headline = (
  name: string,
  title: string,
  unit: string,
  better: Measure['better'],
): Measure => ({ name, title, unit, better, isCost: false });

const CONCURRENCY = 100;

/**
 * Whether a long queue is slower than a short one, which is measured right before and right after it: a machine that
 * gets faster or slower meanwhile would count for or against the long one.
 */
export const longQueueScenario: Scenario = {
  name: 'long-queue',
  contenders: ['stem'],
  measures: [
    headline('long-queue.tasksPerSecond', 'processing, a long queue behind', 'tasks/s', 'higher'),
    headline('long-queue.percentOfShort', 'the same, compared with a short queue', '%', 'higher'),
  ],
  async run(bench) {
    const { redis, sizes } = bench;
    const amount = sizes.processing[CONCURRENCY];
    const rateWith = async (rest: number): Promise<number> => {
      await redis.flushall('SYNC');
      return (await fillAndProcess(bench, PLAIN, CONCURRENCY, amount, rest)).tasksPerSecond;
    };
    const before = await rateWith(0);
    const long = await rateWith(sizes.longQueue);
    const short = (before + (await rateWith(0))) / 2;
    return {
      'long-queue.tasksPerSecond': long,
      'long-queue.percentOfShort': (long / short) * 100,
    };
  },
};

/** Many delayed tasks come due at the same moment. */
export const promotionScenario: Scenario = {
  name: 'promotion',
  contenders: ['stem', 'bullmq'],
  isOnce: true,
  measures: [
    headline('promotion.probeP99Ms', 'many come due at once: start of others, p99', 'ms', 'lower'),
    headline('promotion.probeMaxMs', 'many come due at once: start of others, max', 'ms', 'lower'),
    headline('promotion.allStartedMs', 'many come due at once: until all have run', 'ms', 'lower'),
  ],
  async run({ contender, url, sizes }) {
    const job: PromotionJob = { contender, url, load: PLAIN, tasks: sizes.delayed };
    const promotion = await runChild<Promotion>('promotion', job);
    return Object.fromEntries(
      Object.entries(promotion).map(([name, value]) => [`promotion.${name}`, value as number]),
    );
  },
};

/**
 * How long a call keeps everybody else waiting, with payloads and results of 10 KB. What Stem puts into one
 * call by itself is limited; what a user gives to one `enqueueMany` is accepted whole, by several calls.
 */
export const holdScenario: Scenario = {
  name: 'hold',
  contenders: ['stem'],
  isOnce: true,
  measures: [
    headline('hold.p99Ms', 'script call with payloads and results of 10 KB, p99', 'ms', 'lower'),
    headline(
      'hold.bulkP99Ms',
      'each call that an enqueueMany of 200 tasks of 10 KB makes, p99',
      'ms',
      'lower',
    ),
  ],
  async run(bench) {
    const { redis, sizes } = bench;
    const load = { ...PLAIN, work: 'result', payloadBytes: RESULT_BYTES } as const;
    await redis.config('RESETSTAT');
    await fillAndProcess(bench, load, CONCURRENCY, sizes.large);
    const p99Ms = await longestCallMs(redis);
    await redis.flushall('SYNC');
    await redis.config('RESETSTAT');
    await fill(bench, load, sizes.large.tasks, 'batches');
    // Pieces are written by SET; all else is scripts.
    const bulkP99Ms = await longestCallMs(redis, ['evalsha', 'set']);
    return { 'hold.p99Ms': p99Ms, 'hold.bulkP99Ms': bulkP99Ms };
  },
};
