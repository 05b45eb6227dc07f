import type { SettleOutcome } from '../../broker.js';
import { type Completion, encodeCompletions } from './complete.script.js';
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
  | { readonly outcome: 'lease-lost'; readonly completed: readonly SettleOutcome[] }
  | {
      readonly outcome: 'claimed';
      /** What became of the completions that came along. */
      readonly completed: readonly SettleOutcome[];
      /** The server's time, where it was asked for. */
      readonly now: number | undefined;
      readonly nextDueAt: number | undefined;
      /** What kept a queue from being served, such as a key of a foreign type. */
      readonly fault: string | undefined;
      readonly handOuts: readonly HandOut[];
    };

/** Begins a message that was too large to be handed out: `!<bytes>:<beginning>`. */
export const OVERSIZED_MARK = '!';

/**
 * `complete` and `claim` in one: settles tasks as succeeded, then what is due in the queues, then takes up
 * to `max` tasks.
 */
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
    completions: readonly Completion[];
  },
): Promise<ClaimReply> {
  const { consumer, queues, max, maxMessageBytes, dueBudget, expiredTtlMs, completions } = request;
  const along = completions.length > 0 ? encodeCompletions(consumer, completions) : undefined;
  // An answer lost on the way would leave tasks with us that we do not know of; see `reconcile`.
  const answer = await scripts.call<string[]>(
    'claim',
    [
      consumer,
      max,
      maxMessageBytes,
      dueBudget,
      expiredTtlMs,
      queues.length,
      ...queues,
      ...(along?.args ?? []),
    ],
    { repeat: false, isAwaited: true, staged: along?.staged },
  );
  const reply = (answer[0] ?? '').split('\n');
  if (reply[0] === 'lease-lost') {
    return { outcome: 'lease-lost', completed: along?.read('lease-lost') ?? [] };
  }
  const notHeld = reply[4] === '' ? [] : (reply[4] as string).split(',').map(Number);
  const handOuts: HandOut[] = [];
  let message = 0;
  let at = 5;
  while (at < reply.length) {
    const queue = queues[Number(reply[at])] as string;
    const priority = Number(reply[at + 1]);
    const count = Number(reply[at + 2]);
    const handedOutBefore = count < 0;
    const width = handedOutBefore ? 2 : 1;
    const end = at + 3 + Math.abs(count) * width;
    for (at += 3; at < end; at += width) {
      handOuts.push({
        queue,
        priority,
        entry: reply[at] as string,
        text: answer[++message] ?? '',
        handOuts: handedOutBefore ? Number(reply[at + 1]) : 1,
      });
    }
  }
  return {
    outcome: 'claimed',
    completed: along?.read(notHeld) ?? [],
    now: reply[1] === '' ? undefined : Number(reply[1]),
    nextDueAt: reply[2] === '' ? undefined : Number(reply[2]),
    fault: reply[3] || undefined,
    handOuts,
  };
}
