/** Bounds of numeric options, shared by options and variables. */
export const LIMITS = {
  maxRetries: [0, 1_000_000],
  prefetchMultiplier: [1, 100],
  concurrency: [1, 10_000],
  maxDeliveries: [1, 1_000],
  eventsKept: [100, 1_000_000],
  eventsPerSecond: [1, 100_000],
  /** Shortest times, in milliseconds. */
  visibilityTimeout: 1_000,
  heartbeatInterval: 10,
  pollInterval: 10,
  flushInterval: 10,
  metricsKept: 60_000,
  unhealthyAfter: 1_000,
} as const;
