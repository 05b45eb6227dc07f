import { enqueueScenarios } from './enqueue.js';
import { memoryScenario } from './memory.js';
import { processingScenarios } from './processing.js';
import type { Scenario, Sizes } from './scenario.js';

export const SCENARIOS: readonly Scenario[] = [
  ...processingScenarios,
  ...enqueueScenarios,
  memoryScenario,
];

export const FULL: Sizes = {
  awaited: 10_000,
  concurrent: 60_000,
  bulk: 60_000,
  processing: { 1: 20_000, 10: 50_000, 100: 50_000 },
  queued: 100_000,
};

/** Less exact, for a check that must not take long. */
export const SHORT: Sizes = {
  awaited: 2_000,
  concurrent: 15_000,
  bulk: 15_000,
  processing: { 1: 4_000, 10: 12_000, 100: 12_000 },
  queued: 20_000,
};
