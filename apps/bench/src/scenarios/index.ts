import { enqueueScenarios } from './enqueue.js';
import { holdScenario, longQueueScenario, promotionScenario } from './growth.js';
import { handlerScenarios } from './handlers.js';
import { inMemoryScenario } from './in-memory.js';
import { memoryScenario } from './memory.js';
import { monitorScenario } from './monitor.js';
import { processingScenarios, specialScenarios } from './processing.js';
import type { Scenario, Sizes } from './scenario.js';
import { idleScenario, latencyScenario } from './waiting.js';

export const SCENARIOS: readonly Scenario[] = [
  ...processingScenarios,
  ...enqueueScenarios,
  memoryScenario,
  ...specialScenarios,
  ...handlerScenarios,
  latencyScenario,
  idleScenario,
  longQueueScenario,
  promotionScenario,
  holdScenario,
  inMemoryScenario,
  monitorScenario,
];

/** Warm-ups are long enough for the slowest compiler tier to be done with the hot code. */
export const FULL: Sizes = {
  awaited: { tasks: 10_000, warmUp: 5_000 },
  concurrent: { tasks: 60_000, warmUp: 20_000 },
  bulk: { tasks: 60_000, warmUp: 20_000 },
  processing: {
    1: { tasks: 15_000, warmUp: 10_000 },
    10: { tasks: 60_000, warmUp: 40_000 },
    100: { tasks: 120_000, warmUp: 80_000 },
  },
  special: { tasks: 60_000, warmUp: 30_000 },
  io: { tasks: 30_000, warmUp: 40_000 },
  cpu: { tasks: 5_000, warmUp: 40_000 },
  large: { tasks: 15_000, warmUp: 5_000 },
  inMemory: { tasks: 300_000, warmUp: 100_000 },
  queued: 100_000,
  latency: 1_000,
  longQueue: 1_000_000,
  delayed: 100_000,
  idleSeconds: 10,
};

/** Less exact, for a check that must not take long. */
export const SHORT: Sizes = {
  awaited: { tasks: 2_000, warmUp: 1_000 },
  concurrent: { tasks: 15_000, warmUp: 10_000 },
  bulk: { tasks: 15_000, warmUp: 10_000 },
  processing: {
    1: { tasks: 2_000, warmUp: 1_000 },
    10: { tasks: 10_000, warmUp: 10_000 },
    100: { tasks: 15_000, warmUp: 15_000 },
  },
  special: { tasks: 5_000, warmUp: 5_000 },
  io: { tasks: 5_000, warmUp: 10_000 },
  cpu: { tasks: 1_000, warmUp: 10_000 },
  large: { tasks: 2_000, warmUp: 1_000 },
  inMemory: { tasks: 100_000, warmUp: 50_000 },
  queued: 20_000,
  latency: 100,
  longQueue: 100_000,
  delayed: 10_000,
  idleSeconds: 5,
};
