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
  const { args, read } = encodeCompletions(completions);
  return read(await scripts.call<SettleReply>('complete', [consumer, ...args]));
}

/** What the script is told of completions, and how its answer is read. */
export function encodeCompletions(completions: readonly Completion[]): {
  readonly args: ScriptArgument[];
  /** Outcomes in the order of the completions. */
  readonly read: (reply: SettleReply) => SettleOutcome[];
} {
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
  const args: ScriptArgument[] = [claims.length / 2, ...claims, marks.length / 2, ...marks];
  for (const group of groups.values()) {
    const { queue, priority } = (group[0] as Completion).delivery;
    args.push(queue, priority, group.length);
    for (const { delivery, record, ttlMs } of group) {
      args.push(delivery.entry, delivery.envelope.id, ttlMs, record);
    }
  }
  return {
    args,
    read(reply) {
      const asSent = outcomesOf(reply, completions.length);
      if (groups.size === 1 || reply === 'lease-lost' || reply.length === 0) return asSent;
      // The script counts in the order in which it was given the tasks: stream by stream.
      const order = new Map(
        [...groups.values()].flat().map((completion, index) => [completion, index]),
      );
      return completions.map(
        (completion) => asSent[order.get(completion) as number] as SettleOutcome,
      );
    },
  };
}
