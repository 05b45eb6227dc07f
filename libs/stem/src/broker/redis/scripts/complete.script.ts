import type { SettleOutcome } from '../../broker.js';
import type { RedisDelivery } from '../redis-delivery.js';
import type { ScriptArgument, ScriptCaller } from './script-caller.js';
import { type ByStream, groupByStream } from './by-stream.js';
import type { SettleReply } from './settle.js';

export interface Completion {
  readonly delivery: RedisDelivery;
  /** The whole record, ready-made. */
  readonly record: string;
  /** 0 keeps nothing. */
  readonly ttlMs: number;
}

/** `complete`: settles tasks as succeeded. Outcomes are in the order of the completions. */
export async function complete(
  scripts: ScriptCaller,
  consumer: string,
  completions: readonly Completion[],
): Promise<SettleOutcome[]> {
  const { args, read } = encodeCompletions(completions);
  return read(await scripts.call<SettleReply>('complete', [consumer, ...args]));
}

/** What the script is told of completions, and how its answer is read. */
export function encodeCompletions(completions: readonly Completion[]): ByStream {
  const claims: ScriptArgument[] = [];
  const marks: ScriptArgument[] = [];
  for (const { delivery } of completions) {
    const { envelope } = delivery;
    if (envelope.uniqueKey !== undefined) claims.push(envelope.uniqueKey, envelope.id);
    if (envelope.expires || delivery.progress) marks.push(delivery.queue, envelope.id);
  }
  const { args, read } = groupByStream(
    completions,
    ({ delivery, record }, written) => written.push(delivery.entry, delivery.envelope.id, record),
    ({ ttlMs }) => ttlMs,
  );
  return { args: [claims.length / 2, ...claims, marks.length / 2, ...marks, ...args], read };
}
