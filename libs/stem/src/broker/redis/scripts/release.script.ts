import type { SettleOutcome } from '../../broker.js';
import type { RedisDelivery } from '../redis-delivery.js';
import type { ScriptCaller } from './script-caller.js';
import { outcomesOf, type SettleReply } from './settle.js';

/**
 * `release`: gives tasks back to their old places.
 *
 * Sent once. A task keeps its stream entry, so a second call could give back what this consumer was handed
 * anew since the first, and two would run it. What has no answer is left to `reconcile`.
 */
export async function release(
  scripts: ScriptCaller,
  consumer: string,
  deliveries: readonly RedisDelivery[],
): Promise<SettleOutcome[]> {
  const args = deliveries.flatMap(({ queue, priority, entry, envelope }) => [
    queue,
    priority,
    entry,
    envelope.id,
  ]);
  const reply = await scripts.call<SettleReply>('release', [consumer, ...args], {
    repeat: false,
  });
  return outcomesOf(reply, deliveries.length);
}
