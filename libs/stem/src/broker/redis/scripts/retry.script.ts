import type { Retry, SettleOutcome } from '../../broker.js';
import type { RedisDelivery } from '../redis-delivery.js';
import type { ScriptCaller } from './script-caller.js';
import { groupByStream } from './by-stream.js';
import type { SettleReply } from './settle.js';

export interface RetryOf extends Retry {
  readonly delivery: RedisDelivery;
}

/** `retry`: settles attempts as failed; the tasks wait for the next one. */
export async function retry(
  scripts: ScriptCaller,
  consumer: string,
  retries: readonly RetryOf[],
): Promise<SettleOutcome[]> {
  const { args, read } = groupByStream(retries, (item, written) => {
    const { delivery, failure, delayMs, dueAt, startedAt, ttlMs } = item;
    written.push(
      delivery.envelope.id,
      delayMs ?? '',
      dueAt ?? '',
      delivery.attempt + 1,
      delivery.deliveries,
      delivery.enqueuedAt,
      delivery.replays,
      startedAt,
      delivery.envelopeText,
      JSON.stringify(failure),
      ttlMs,
      delivery.envelope.uniqueKey ?? '',
    );
  });
  return read(await scripts.call<SettleReply>('retry', [consumer, ...args]));
}
