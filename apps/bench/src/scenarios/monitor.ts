import { runChild } from '../child-process.js';
import { type Load, PLAIN } from '../load.js';
import type { Reading } from '../meter.js';
import type { ProduceJob } from '../processes/produce.js';
import { fillAndProcess } from './processing.js';
import type { Bench, Measure, Scenario } from './scenario.js';

const cost = (name: string, title: string): Measure => ({
  name: `monitor.${name}`,
  title: `what operators see: ${title}`,
  unit: 'µs/task',
  better: 'lower',
  isCost: true,
});

const CONCURRENCY = 100;

/** What heartbeats, counts and events cost: the difference between a run with and one without them. */
export const monitorScenario: Scenario = {
  name: 'monitor',
  contenders: ['stem'],
  measures: [
    cost('producerCpu', 'producer CPU'),
    cost('enqueueRedisCpu', 'Redis CPU while enqueueing'),
    cost('workerCpu', 'worker CPU'),
    cost('processRedisCpu', 'Redis CPU while processing'),
  ],
  async run(bench) {
    const on = await costs(bench, PLAIN);
    const off = await costs(bench, { ...PLAIN, monitor: false });
    return Object.fromEntries(
      Object.entries(on).map(([name, value]) => [name, value - (off[name] as number)]),
    );
  },
};

async function costs(bench: Bench, load: Load): Promise<Record<string, number>> {
  const { contender, url, redis, sizes } = bench;
  await redis.flushall('SYNC');
  const job: ProduceJob = { contender, url, load, mode: 'concurrent', ...sizes.concurrent };
  const produced = await runChild<Reading>('produce', job);
  await redis.flushall('SYNC');
  const processed = await fillAndProcess(bench, load, CONCURRENCY, sizes.processing[CONCURRENCY]);
  return {
    'monitor.producerCpu': produced.clientCpuMicros,
    'monitor.enqueueRedisCpu': produced.redisCpuMicros,
    'monitor.workerCpu': processed.clientCpuMicros,
    'monitor.processRedisCpu': processed.redisCpuMicros,
  };
}
