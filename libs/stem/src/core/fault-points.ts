/**
 * Places at which a test may end the process, to see what becomes of the tasks.
 *
 * A test module that is loaded before this package leaves a function under {@link FAULT_HOOK} on
 * `globalThis`. Nothing in the package sets it, and no option or variable does: in production a fault
 * point is the comparison of a constant with `undefined`.
 */
export type FaultHook = (point: FaultPoint) => void;

/** Key of the hook on `globalThis`. */
export const FAULT_HOOK = Symbol.for('nestjs-stem.fault-hook');

/** What a worker does besides calling scripts; each has a point just before and one just after. */
export const WORKER_STEPS = [
  /** Tasks of an answered claim are taken in hand. */
  'claimed',
  /** A handler is called. */
  'started',
  /** The code of a run is over, and its verdict is handed to the broker's client. */
  'ended',
  /** The broker has answered the verdict. */
  'settled',
  /** A task that has not ended goes back to its queue. */
  'released',
  /** The broker has answered a renewal of the lease. */
  'lease-renewed',
  /** The worker gives up what it held, because its lease is gone. */
  'lease-lost',
  'consumer-opened',
  'consumer-closed',
] as const;

/** One of {@link WORKER_STEPS}. */
export type WorkerStep = (typeof WORKER_STEPS)[number];

/** `worker:` and a step, or `script:` and the name of a script; then on which side of it. */
export type FaultPoint = `${'worker' | 'script'}:${string}:${'before' | 'after'}`;

/** Every point of the worker. Those of the scripts are listed beside what calls them. */
export const WORKER_FAULT_POINTS: readonly FaultPoint[] = WORKER_STEPS.flatMap(
  (step): FaultPoint[] => [`worker:${step}:before`, `worker:${step}:after`],
);

/** The hook, where a test has left one. Read once: it is looked at many times per task. */
export const faultHook = (globalThis as { [FAULT_HOOK]?: FaultHook })[FAULT_HOOK];
