/** Source of the present time, in milliseconds since 1970. Injected wherever time decides. */
export interface Clock {
  now(): number;
}

/** The machine's own clock. */
export const systemClock: Clock = { now: () => Date.now() };
