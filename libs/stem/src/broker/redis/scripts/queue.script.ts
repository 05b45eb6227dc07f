import type { ScriptCaller } from './script-caller.js';

/** Counts of one queue in one partition. */
export interface QueueCounts {
  readonly paused: boolean;
  readonly queued: number;
  readonly scheduled: number;
  readonly running: number;
  readonly deadLetters: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly retried: number;
  readonly oldestReadyAt: number | undefined;
}

export async function queueStats(
  scripts: ScriptCaller,
  queues: readonly string[],
): Promise<QueueCounts[]> {
  const rows = await scripts.call<number[][]>('queue-stats', queues);
  return rows.map(
    ([
      paused,
      queued = 0,
      scheduled = 0,
      running = 0,
      deadLetters = 0,
      succeeded = 0,
      failed = 0,
      retried = 0,
      oldest = 0,
    ]) => ({
      paused: paused === 1,
      queued,
      scheduled,
      running,
      deadLetters,
      succeeded,
      failed,
      retried,
      oldestReadyAt: oldest || undefined,
    }),
  );
}

/** Stops (`paused`) or resumes handing out tasks of a queue. */
export function pause(scripts: ScriptCaller, queue: string, paused: boolean): Promise<1> {
  return scripts.call('pause', [queue, paused ? 1 : 0]);
}

/** `cancel` for up to `budget` waiting tasks of a queue. */
export async function purge(
  scripts: ScriptCaller,
  request: { queue: string; budget: number; ttlMs: number },
): Promise<{ settled: number; more: boolean }> {
  const { queue, budget, ttlMs } = request;
  const [settled, more] = await scripts.call<[number, number]>('purge', [queue, budget, ttlMs]);
  return { settled, more: more === 1 };
}
