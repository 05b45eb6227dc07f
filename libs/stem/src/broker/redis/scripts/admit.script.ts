import type { AdmitOutcome, RateLimitOf } from '../../broker.js';
import type { RedisDelivery } from '../redis-delivery.js';
import type { ScriptCaller } from './script-caller.js';

export interface Admission extends RateLimitOf {
  readonly delivery: RedisDelivery;
}

/** Gives tasks their turn under a rate limit, or postpones them to a turn of their own. */
export async function admit(
  scripts: ScriptCaller,
  consumer: string,
  admissions: readonly Admission[],
): Promise<AdmitOutcome[]> {
  const args = admissions.flatMap(({ delivery, key, intervalMs }) => [
    delivery.queue,
    delivery.priority,
    delivery.entry,
    delivery.envelope.id,
    key,
    intervalMs,
    delivery.attempt,
    delivery.deliveries - 1,
    delivery.enqueuedAt,
    delivery.replays,
    delivery.envelopeText,
  ]);
  const reply = await scripts.call<'lease-lost' | AdmitOutcome[]>(
    'admit',
    [consumer, ...args],
    // A repeated call would take a second turn; an unanswered one leaves a task for `reconcile`.
    { repeat: false },
  );
  if (reply === 'lease-lost') return admissions.map(() => 'lease-lost');
  return reply;
}
