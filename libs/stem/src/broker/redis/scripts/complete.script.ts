import type { SettleOutcome } from '../../broker.js';
import type { Weight } from '../batcher.js';
import type { RedisDelivery } from '../redis-delivery.js';
import type { ScriptArgument, ScriptCaller, StagedValue } from './script-caller.js';
import { type ByStream, groupByStream } from './by-stream.js';
import type { SettleReply } from './settle.js';

export interface Completion {
  readonly delivery: RedisDelivery;
  /** The whole record, ready-made; a large one goes ahead of the script, see {@link completionOf}. */
  readonly record: string | Buffer;
  /** 0 keeps nothing. */
  readonly ttlMs: number;
}

/**
 * From this length on a record goes ahead of the script that puts it in its place: a text that is handed to a
 * script costs Redis 2 ns a byte. Below, a command of its own would cost more.
 */
const STAGED_FROM = 4_096;
/** Stands for the retention of records that went ahead. */
const STAGED = 'staged';

/**
 * Large records become bytes at once: as texts on the heap they would be copied about until they are sent. When
 * settling failed once, or what goes ahead was refused a moment ago, the record goes through the script: a Redis that
 * is full takes it only from there.
 *
 * @param unstagedUntilMonotonicMs nothing goes ahead until then.
 */
export function completionOf(
  delivery: RedisDelivery,
  record: string,
  ttlMs: number,
  unstagedUntilMonotonicMs: number,
): Completion {
  const isStaged =
    record.length >= STAGED_FROM &&
    !delivery.hasFailedToSettle &&
    performance.now() >= unstagedUntilMonotonicMs;
  return { delivery, record: isStaged ? Buffer.from(record) : record, ttlMs };
}

/** Whether a call was refused because a record that should have gone ahead of it was not there. */
export function isUnstaged(error: unknown): boolean {
  return error instanceof Error && error.message.includes('UNSTAGED');
}

/** How much of a script call a completion takes up. */
export function weighCompletion({ record }: Completion): Weight {
  return { count: 1, bytes: typeof record === 'string' ? record.length : 0 };
}

/** `complete`: settles tasks as succeeded. Outcomes are in the order of the completions. */
export async function complete(
  scripts: ScriptCaller,
  consumer: string,
  completions: readonly Completion[],
): Promise<SettleOutcome[]> {
  const { args, staged, read } = encodeCompletions(consumer, completions);
  return read(await scripts.call<SettleReply>('complete', [consumer, ...args], { staged }));
}

/** What the script is told of completions, what goes ahead of it, and how its answer is read. */
export function encodeCompletions(
  consumer: string,
  completions: readonly Completion[],
): ByStream & { readonly staged: readonly StagedValue[] } {
  const claims: ScriptArgument[] = [];
  const marks: ScriptArgument[] = [];
  const staged: StagedValue[] = [];
  const stagedIds: ScriptArgument[] = [];
  for (const { delivery, record } of completions) {
    const { envelope } = delivery;
    if (typeof record !== 'string') {
      stagedIds.push(envelope.id);
      // Of the consumer, too: one that lost its lease must not write over what the next holder brings.
      staged.push({ key: `c:${consumer}:${envelope.id}`, bytes: record });
    }
    if (envelope.uniqueKey !== undefined) claims.push(envelope.uniqueKey, envelope.id);
    if (envelope.expires || delivery.progress) marks.push(delivery.queue, envelope.id);
  }
  const { args, read } = groupByStream(
    completions,
    ({ delivery, record, ttlMs }, written) => {
      written.push(delivery.envelope.id, typeof record === 'string' ? record : ttlMs);
    },
    ({ record, ttlMs }) => (typeof record === 'string' ? ttlMs : STAGED),
  );
  return {
    args: [
      staged.length,
      ...stagedIds,
      claims.length / 2,
      ...claims,
      marks.length / 2,
      ...marks,
      ...args,
    ],
    staged,
    read,
  };
}
