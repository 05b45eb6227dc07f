import type { ScriptCaller } from './script-caller.js';

/** One task as the script hands it out, still unread. */
export interface HandOut {
  readonly queue: string;
  readonly priority: number;
  readonly entry: string;
  /** How often this entry was handed out, this time included. */
  readonly handOuts: number;
  /** The message; see {@link OVERSIZED_MARK} and `message.ts`. */
  readonly text: string;
}

export type ClaimReply =
  | { readonly outcome: 'lease-lost' }
  | {
      readonly outcome: 'claimed';
      readonly now: number;
      readonly nextDueAt: number | undefined;
      /** What kept a queue from being served, such as a key of a foreign type. */
      readonly fault: string | undefined;
      readonly handOuts: readonly HandOut[];
    };

/** Begins a message that was too large to be handed out: `!<bytes>:<beginning>`. */
export const OVERSIZED_MARK = '!';

/** `claim`: settles what is due in the queues, then takes up to `max` tasks. */
export async function claim(
  scripts: ScriptCaller,
  request: {
    consumer: string;
    queues: readonly string[];
    max: number;
    maxMessageBytes: number;
    /** Most due tasks to settle per queue. */
    dueBudget: number;
    expiredTtlMs: number;
  },
): Promise<ClaimReply> {
  const { consumer, queues, max, maxMessageBytes, dueBudget, expiredTtlMs } = request;
  // An answer lost on the way would leave tasks with us that we do not know of; see `reconcile`.
  const reply = await scripts.call<(string | number)[]>(
    'claim',
    [consumer, max, maxMessageBytes, dueBudget, expiredTtlMs, ...queues],
    { repeat: false },
  );
  if (reply[0] === 'lease-lost') return { outcome: 'lease-lost' };
  const handOuts: HandOut[] = [];
  let at = 4;
  while (at < reply.length) {
    const queue = queues[Number(reply[at])] as string;
    const priority = Number(reply[at + 1]);
    const count = Number(reply[at + 2]);
    const handedOutBefore = count < 0;
    const width = handedOutBefore ? 3 : 2;
    const end = at + 3 + Math.abs(count) * width;
    for (at += 3; at < end; at += width) {
      handOuts.push({
        queue,
        priority,
        entry: reply[at] as string,
        text: reply[at + 1] as string,
        handOuts: handedOutBefore ? Number(reply[at + 2]) : 1,
      });
    }
  }
  return {
    outcome: 'claimed',
    now: Number(reply[1]),
    nextDueAt: reply[2] === '' ? undefined : Number(reply[2]),
    fault: reply[3] === '' ? undefined : String(reply[3]),
    handOuts,
  };
}
