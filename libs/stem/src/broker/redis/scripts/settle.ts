import type { SettleOutcome } from '../../broker.js';

/** Answer of every script that settles a batch: the lease is gone, or who was not held. */
export type SettleReply = 'lease-lost' | readonly number[];

/** Spreads the answer for a batch over its `count` items. */
export function outcomesOf(reply: SettleReply, count: number): SettleOutcome[] {
  if (reply === 'lease-lost') return new Array<SettleOutcome>(count).fill('lease-lost');
  const outcomes = new Array<SettleOutcome>(count).fill('settled');
  for (const index of reply) outcomes[index] = 'not-held';
  return outcomes;
}
