import type { TaskFailure } from '../../../core/failure.js';
import type { SettleOutcome } from '../../broker.js';
import type { RedisDelivery } from '../redis-delivery.js';
import type { ScriptCaller } from './script-caller.js';
import { outcomesOf, type SettleReply } from './settle.js';

export interface EndOf {
  readonly delivery: RedisDelivery;
  readonly failure: TaskFailure | undefined;
  readonly reason: string;
  readonly startedAt: number;
  /** Nothing keeps the record until it is replayed or discarded. */
  readonly ttlMs: number | undefined;
}

/** `fail`, or `abandon`: settles tasks as dead letters, or as cancelled. */
export async function fail(
  scripts: ScriptCaller,
  consumer: string,
  state: 'failed' | 'cancelled',
  ends: readonly EndOf[],
): Promise<SettleOutcome[]> {
  const args = ends.flatMap(({ delivery, failure, reason, startedAt, ttlMs }) => [
    delivery.queue,
    delivery.priority,
    delivery.entry,
    delivery.envelope.id,
    delivery.attempt,
    delivery.deliveries,
    delivery.enqueuedAt,
    delivery.replays,
    startedAt,
    delivery.envelopeText,
    failure ? JSON.stringify(failure) : '',
    // The reason is a field of the record's header, where these two separate fields.
    reason.replace(/[\t\n]/g, ' '),
    delivery.envelope.uniqueKey ?? '',
    ttlMs ?? '',
  ]);
  const letter = state === 'failed' ? 'F' : 'C';
  const reply = await scripts.call<SettleReply>('fail', [consumer, letter, ...args]);
  return outcomesOf(reply, ends.length);
}
