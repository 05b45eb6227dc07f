import type { SettleOutcome } from '../../broker.js';
import type { RedisDelivery } from '../redis-delivery.js';
import type { ScriptCaller } from './script-caller.js';
import { outcomesOf, type SettleReply } from './settle.js';

/** `release`: gives tasks back to their old places. */
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
  const reply = await scripts.call<SettleReply>('release', [consumer, ...args]);
  return outcomesOf(reply, deliveries.length);
}
