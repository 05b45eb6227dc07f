import { setTimeout as delay } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import type { MemoryLoss } from './checker.js';
import type { Transaction } from './history.js';
import { monotonicMs } from './ledger.js';

/** What can happen to a Redis. */
export const REDIS_FAULTS = [
  'freeze Redis',
  'kill Redis',
  'cut the power of Redis',
  'fail over',
  'fail over, with a replica that lags',
] as const;

export type RedisFault = (typeof REDIS_FAULTS)[number];

/** Times in which Redis did not answer. */
export interface Outage {
  readonly fromMs: number;
  readonly untilMs: number;
}

/** The Redis of a stage: one server or a pair of them, and what was done to it. */
export interface ChaosRedis {
  /** For the processes of the stage. */
  readonly url: string;
  /** Our own connection, which follows restarts and failovers. */
  readonly client: Redis;
  readonly outages: readonly Outage[];
  /** What the server forgot, each time that it did. */
  readonly losses: readonly MemoryLoss[];
  /**
   * Brings a fault about; resolves when it is over.
   *
   * @param severity from 0 to 1.
   */
  strike(fault: RedisFault, severity: number, leaseMs: number): Promise<void>;
  /** Everything that changed, in the order in which it did, without what was forgotten. */
  history(): Transaction[];
  stop(): Promise<void>;
}

/** Clients come back to a Redis that is up again after at most this long. */
export const RECONNECT_MS = 2_500;

/** Lets a Redis stand still, for up to 1.3 × the lease. */
export async function freeze(client: Redis, severity: number, leaseMs: number): Promise<Outage> {
  const fromMs = monotonicMs();
  const seconds = 0.3 + severity * ((leaseMs * 1.3) / 1_000 - 0.3);
  await client.call('DEBUG', 'SLEEP', seconds.toFixed(2));
  return { fromMs, untilMs: monotonicMs() + RECONNECT_MS };
}

/** Calls again and again until told to end. */
export function repeatedly(everyMs: number, act: () => Promise<void>): { end(): Promise<void> } {
  let isEnding = false;
  const running = (async () => {
    for (; !isEnding; await delay(everyMs)) await act();
  })();
  // Whoever ends it hears of a failure; until then it must not count as unhandled.
  running.catch(() => undefined);
  return {
    end: () => {
      isEnding = true;
      return running;
    },
  };
}
