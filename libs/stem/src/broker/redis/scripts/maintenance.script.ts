import type { TaskFailure } from '../../../core/failure.js';
import type { ScriptCaller } from './script-caller.js';

/** `reclaim` for one consumer; nothing when no lease has run out. */
export async function reclaim(
  scripts: ScriptCaller,
  request: { maxLosses: number; failure: TaskFailure },
): Promise<{ consumer: string; requeued: number; deadLettered: string[] } | undefined> {
  const [consumer, requeued, ...deadLettered] = await scripts.call<[string?, number?, ...string[]]>(
    'reclaim',
    [request.maxLosses, JSON.stringify(request.failure)],
  );
  if (consumer === undefined) return undefined;
  return { consumer, requeued: requeued ?? 0, deadLettered };
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
