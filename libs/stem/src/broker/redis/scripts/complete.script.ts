import type { SettleOutcome } from '../../broker.js';
import type { RedisDelivery } from '../redis-delivery.js';
import type { ScriptArgument, ScriptCaller } from './script-caller.js';
import { outcomesOf, type SettleReply } from './settle.js';

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
  const claims: ScriptArgument[] = [];
  const marks: ScriptArgument[] = [];
  const groups = new Map<string, Completion[]>();
  for (const completion of completions) {
    const { delivery } = completion;
    const { envelope } = delivery;
    if (envelope.uniqueKey !== undefined) claims.push(envelope.uniqueKey, envelope.id);
    if (envelope.expires || delivery.progress) {
      marks.push(delivery.queue, envelope.id);
    }
    const stream = `${delivery.priority}${delivery.queue}`;
    const group = groups.get(stream);
    if (group) group.push(completion);
    else groups.set(stream, [completion]);
  }
  const args: ScriptArgument[] = [
    consumer,
    claims.length / 2,
    ...claims,
    marks.length / 2,
    ...marks,
  ];
  for (const group of groups.values()) {
    const { queue, priority } = (group[0] as Completion).delivery;
    args.push(queue, priority, group.length);
    for (const { delivery, record, ttlMs } of group) {
      args.push(delivery.entry, delivery.envelope.id, ttlMs, record);
    }
  }
  const reply = await scripts.call<SettleReply>('complete', args);
  if (groups.size === 1 || reply === 'lease-lost' || reply.length === 0) {
    return outcomesOf(reply, completions.length);
  }
  // The script counts in the order in which it was given the tasks: stream by stream.
  const asSent = outcomesOf(reply, completions.length);
  const order = new Map(
    [...groups.values()].flat().map((completion, index) => [completion, index]),
  );
  return completions.map((completion) => asSent[order.get(completion) as number] as SettleOutcome);
}
