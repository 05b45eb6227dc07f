import type { SettleOutcome } from '../../broker.js';
import type { RedisDelivery } from '../redis-delivery.js';
import type { ScriptArgument } from './script-caller.js';
import { outcomesOf, type SettleReply } from './settle.js';

/** A batch as scripts take it that settle stream by stream, so that one command serves many tasks. */
export interface ByStream {
  /** Groups of queue, priority, n, and n times what was written of each item. */
  readonly args: readonly ScriptArgument[];
  /** Spreads the script's answer over the items, in the order in which they were given. */
  readonly read: (reply: SettleReply) => SettleOutcome[];
}

/** @param write the arguments of one item, of the same number for each. */
export function groupByStream<Item extends { readonly delivery: RedisDelivery }>(
  items: readonly Item[],
  write: (item: Item, args: ScriptArgument[]) => void,
): ByStream {
  const groups = new Map<string, Item[]>();
  for (const item of items) {
    const stream = `${item.delivery.priority}${item.delivery.queue}`;
    const group = groups.get(stream);
    if (group) group.push(item);
    else groups.set(stream, [item]);
  }
  const args: ScriptArgument[] = [];
  for (const group of groups.values()) {
    const { queue, priority } = (group[0] as Item).delivery;
    args.push(queue, priority, group.length);
    for (const item of group) write(item, args);
  }
  return {
    args,
    read(reply) {
      const asSent = outcomesOf(reply, items.length);
      if (groups.size === 1 || reply === 'lease-lost' || reply.length === 0) return asSent;
      const order = new Map([...groups.values()].flat().map((item, index) => [item, index]));
      return items.map((item) => asSent[order.get(item) as number] as SettleOutcome);
    },
  };
}
