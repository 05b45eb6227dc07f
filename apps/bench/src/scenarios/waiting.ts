import { runChild } from '../child-process.js';
import { PLAIN } from '../load.js';
import type { IdleJob } from '../processes/idle.js';
import type { Latency, LatencyJob } from '../processes/latency.js';
import type { Measure, Scenario } from './scenario.js';

const latencyMeasure = (percent: number): Measure => ({
  name: `latency.p${percent}Ms`,
  title: `idle to start, one task at a time, p${percent}`,
  unit: 'ms',
  better: 'lower',
  isCost: false,
});

/** A worker that sleeps is woken by one task. */
export const latencyScenario: Scenario = {
  name: 'latency',
  contenders: ['stem', 'bullmq', 'beeQueue'],
  measures: [latencyMeasure(50), latencyMeasure(99)],
  async run({ contender, url, sizes }) {
    const job: LatencyJob = { contender, url, load: PLAIN, tasks: sizes.latency };
    const { p50Ms, p99Ms } = await runChild<Latency>('latency', job);
    return { 'latency.p50Ms': p50Ms, 'latency.p99Ms': p99Ms };
  },
};

/** What a worker process that has nothing to do asks of Redis. */
export const idleScenario: Scenario = {
  name: 'idle',
  contenders: ['stem', 'bullmq', 'beeQueue'],
  isOnce: true,
  isShort: true,
  measures: [
    {
      name: 'idle.commandsPerSecond',
      title: 'idle worker: Redis commands, in scripts too',
      unit: '/s',
      better: 'lower',
      isCost: false,
    },
  ],
  async run({ contender, url, sizes }) {
    const job: IdleJob = { contender, url, load: PLAIN, seconds: sizes.idleSeconds };
    const { perSecond } = await runChild<{ perSecond: number }>('idle', job);
    return { 'idle.commandsPerSecond': perSecond };
  },
};
