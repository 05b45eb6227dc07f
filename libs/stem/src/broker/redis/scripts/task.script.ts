import type { CancelOutcome, CancelRequest, ReplayOutcome, TaskRecord } from '../../broker.js';
import { decodeFound, type FoundTask } from '../record-codec.js';
import type { ScriptCaller } from './script-caller.js';

/** What is known of tasks, in the order of the ids, with the server's time. */
export async function find(
  scripts: ScriptCaller,
  ids: readonly string[],
): Promise<{ now: number; records: (TaskRecord | undefined)[] }> {
  const [now, ...found] = await scripts.call<[number, ...FoundTask[]]>('find', ids, {
    isAwaited: true,
  });
  return {
    now,
    records: ids.map((id, index) => decodeFound(id, found[index] ?? [])),
  };
}

/** Asks to be told on `channel` when tasks have ended. */
export function watch(
  scripts: ScriptCaller,
  channel: string,
  ids: readonly string[],
): Promise<('waiting' | 'ended' | 'unknown')[]> {
  return scripts.call('watch', [channel, ...ids]);
}

/** `cancel`. Consumers that hold the task hear the request on `channel`. */
export function cancel(
  scripts: ScriptCaller,
  id: string,
  request: CancelRequest,
  channel: string,
): Promise<CancelOutcome> {
  const reason = request.reason.replace(/[\t\n]/g, ' ');
  return scripts.call('cancel', [
    id,
    JSON.stringify({ id, ...request }),
    reason,
    request.ttlMs,
    channel,
  ]);
}

/** `replay`: starts dead letters over. */
export function replay(
  scripts: ScriptCaller,
  ids: readonly string[],
  delayMs: number,
): Promise<ReplayOutcome[]> {
  return scripts.call('replay', [delayMs, ...ids]);
}

/** Deletes dead letters; returns how many there were. */
export function discard(scripts: ScriptCaller, ids: readonly string[]): Promise<number> {
  return scripts.call('discard', ids);
}
