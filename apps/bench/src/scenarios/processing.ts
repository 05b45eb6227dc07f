import { runChild } from '../child-process.js';
import { CONTENDERS } from '../contenders/index.js';
import { type Load, PLAIN } from '../load.js';
import type { Reading } from '../meter.js';
import type { ProcessJob } from '../processes/process.js';
import { fill } from './fill.js';
import { measuresOfReading, valuesOfReading } from './readings.js';
import { type Amount, type Bench, CONCURRENCIES, type Scenario } from './scenario.js';

/** One worker process runs what a producer process, gone by then, has left in the queue. */
export async function fillAndProcess(
  bench: Bench,
  load: Load,
  concurrency: number,
  { tasks, warmUp }: Amount,
  rest = 0,
): Promise<Reading> {
  await fill(bench, load, warmUp + tasks + rest);
  const { contender, url } = bench;
  const leavesRest = rest > 0;
  const job: ProcessJob = { contender, url, load, concurrency, tasks, warmUp, leavesRest };
  return runChild<Reading>('process', job);
}

export const processingScenarios: readonly Scenario[] = CONCURRENCIES.map((concurrency) => {
  const name = `processing-${concurrency}`;
  return {
    name,
    contenders: CONTENDERS,
    isShort: true,
    measures: measuresOfReading(name, `processing, concurrency ${concurrency}`, 'worker'),
    async run(bench) {
      const amount = bench.sizes.processing[concurrency];
      return valuesOfReading(name, await fillAndProcess(bench, PLAIN, concurrency, amount));
    },
  };
});

const CONCURRENCY = 100;

const SPECIAL: readonly {
  readonly name: string;
  readonly title: string;
  readonly load: Load;
  readonly contenders: Scenario['contenders'];
}[] = [
  {
    name: 'retries',
    title: 'processing, half of them fail once',
    load: { ...PLAIN, work: 'fail-half' },
    contenders: ['stem', 'bullmq', 'beeQueue'],
  },
  {
    name: 'priorities',
    title: 'processing, priorities 0 to 9',
    load: { ...PLAIN, priorities: true },
    contenders: ['stem', 'bullmq'],
  },
  {
    name: 'results',
    title: 'processing, results of 10 KB',
    load: { ...PLAIN, work: 'result' },
    contenders: ['stem', 'bullmq', 'beeQueue'],
  },
  {
    name: 'queues',
    title: 'processing, 32 queues in one worker process',
    load: { ...PLAIN, queues: 32 },
    contenders: ['stem', 'bullmq', 'beeQueue'],
  },
];

/** Loads that are out of the ordinary, at concurrency 100. */
export const specialScenarios: readonly Scenario[] = SPECIAL.map(
  ({ name, title, load, contenders }) => ({
    name,
    contenders,
    measures: measuresOfReading(name, title, 'worker'),
    async run(bench) {
      const reading = await fillAndProcess(bench, load, CONCURRENCY, bench.sizes.special);
      return valuesOfReading(name, reading);
    },
  }),
);
