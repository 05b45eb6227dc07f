import { runChild } from '../child-process.js';
import { CPU_MS, IO_MS, PLAIN, type Work } from '../load.js';
import type { BareJob } from '../processes/bare.js';
import { fillAndProcess } from './processing.js';
import type { Scenario } from './scenario.js';

/** Handlers that take their time. The floor is the same handlers without any queue. */
export const handlerScenarios: readonly Scenario[] = (
  [
    { work: 'io', title: `handlers of ${IO_MS} ms I/O, concurrency 100`, concurrency: 100 },
    { work: 'cpu', title: `handlers of ${CPU_MS} ms CPU, concurrency 10`, concurrency: 10 },
  ] as const satisfies readonly { work: Work; title: string; concurrency: number }[]
).map(({ work, title, concurrency }): Scenario => {
  const measure = `${work}.tasksPerSecond`;
  return {
    name: `handlers-${work}`,
    contenders: ['stem', 'bullmq', 'beeQueue', 'floor'],
    measures: [{ name: measure, title, unit: 'tasks/s', better: 'higher', isCost: false }],
    async run(bench) {
      const amount = bench.sizes[work];
      const job: BareJob = { work, concurrency, tasks: amount.tasks };
      const { tasksPerSecond } =
        bench.contender === 'floor'
          ? await runChild<{ tasksPerSecond: number }>('bare', job)
          : await fillAndProcess(bench, { ...PLAIN, work }, concurrency, amount);
      return { [measure]: tasksPerSecond };
    },
  };
});
