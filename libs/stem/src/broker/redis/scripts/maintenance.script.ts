import type { TaskFailure } from '../../../core/failure.js';
import { type BatchLeft, TAKE_OVER_MS } from './batch.script.js';
import type { ScriptCaller } from './script-caller.js';

/** What a `reclaim` has found to do. */
export type Reclaimed =
  | {
      readonly kind: 'consumer';
      readonly consumer: string;
      readonly requeued: number;
      readonly deadLettered: readonly string[];
    }
  | { readonly kind: 'batch'; readonly batch: BatchLeft };

/** `reclaim` for one consumer, or, if wanted, the finding of an abandoned batch; nothing when there is neither. */
export async function reclaim(
  scripts: ScriptCaller,
  request: { maxLosses: number; failure: TaskFailure; looksForBatches: boolean },
): Promise<Reclaimed | undefined> {
  const [consumer, ...rest] = await scripts.call<(string | number)[]>('reclaim', [
    request.maxLosses,
    JSON.stringify(request.failure),
    request.looksForBatches ? TAKE_OVER_MS : '',
  ]);
  if (consumer === undefined) return undefined;
  if (consumer === '') {
    const [id = '', next, pieces] = rest;
    const batch = { id: String(id), next: Number(next || 1), pieces: Number(pieces || 0) };
    return { kind: 'batch', batch };
  }
  const [requeued, ...deadLettered] = rest;
  return {
    kind: 'consumer',
    consumer: String(consumer),
    requeued: Number(requeued),
    deadLettered: deadLettered.map(String),
  };
}

/** `promote` and `expire` for up to `budget` tasks of a queue. */
export async function settleDue(
  scripts: ScriptCaller,
  request: { queue: string; budget: number; expiredTtlMs: number },
): Promise<{ promoted: number; expired: number; more: boolean }> {
  const { queue, budget, expiredTtlMs } = request;
  const [promoted, expired, more] = await scripts.call<[number, number, number]>('settle-due', [
    queue,
    budget,
    expiredTtlMs,
  ]);
  return { promoted, expired, more: more === 1 };
}
