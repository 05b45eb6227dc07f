import type { SettleOutcome } from '../../broker.js';
import type { RedisDelivery } from '../redis-delivery.js';
import type { ScriptArgument } from './script-caller.js';
import { outcomesOf, type SettleReply } from './settle.js';

/** A batch as scripts take it that settle stream by stream, so that one command serves many tasks. */
export interface ByStream {
  /** Groups of queue, priority, n, what they share if anything, n entries, and what was written of each item. */
  readonly args: readonly ScriptArgument[];
  /** Spreads the script's answer over the items, in the order in which they were given. */
  readonly read: (reply: SettleReply) => SettleOutcome[];
}

/**
 * @param write the arguments of one item beside its entry, of the same number for each.
 * @param shared an argument that is the same for most items: those that share it make a group.
 */
export function groupByStream<Item extends { readonly delivery: RedisDelivery }>(
  items: readonly Item[],
  write: (item: Item, args: ScriptArgument[]) => void,
  shared?: (item: Item) => ScriptArgument,
): ByStream {
  const groups = new Map<string, Item[]>();
  for (const item of items) {
    const { priority, queue } = item.delivery;
    const stream = `${priority}${queue}`;
    const key = shared ? `${stream}\n${shared(item)}` : stream;
    const group = groups.get(key);
    if (group) group.push(item);
    else groups.set(key, [item]);
  }
  const args: ScriptArgument[] = [];
  for (const group of groups.values()) {
    const first = group[0] as Item;
    args.push(first.delivery.queue, first.delivery.priority, group.length);
    if (shared) args.push(shared(first));
    for (const { delivery } of group) args.push(delivery.entry);
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
