export { StemTestingModule } from './stem-testing.module.js';
export type { StemTestingOptions, TestingMode } from './testing-options.js';
export {
  type DrainOptions,
  type RunOptions,
  type RunParameters,
  StemTester,
} from './stem-tester.js';
export type { EnqueuedExpectation, ExpectedArgs } from './assert-enqueued.js';
export type { EnqueuedOptions, EnqueuedTask } from './journal.js';
export { StemTestingError } from './testing-error.js';
