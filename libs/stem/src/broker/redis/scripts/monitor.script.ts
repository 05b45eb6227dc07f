import type { MonitorBatch } from '../../monitor-store.js';
import type { ScriptArgument, ScriptCaller } from './script-caller.js';

/** Adds counts and events of a process; a batch that was recorded before changes nothing. */
export async function recordBatch(scripts: ScriptCaller, batch: MonitorBatch): Promise<void> {
  const { source, number, counts, countsKeptMs, events, eventsKept } = batch;
  const json = events.length > 0 ? JSON.stringify(events) : '';
  const args: ScriptArgument[] = [source, number, countsKeptMs, eventsKept, events.length, json];
  for (const [field, by] of counts) args.push(field, by);
  await scripts.call<0 | 1>('monitor-record', args);
}

export async function beatProcess(
  scripts: ScriptCaller,
  { id, ttlMs, report }: { id: string; ttlMs: number; report: string },
): Promise<void> {
  await scripts.call<1>('monitor-beat', [id, ttlMs, report]);
}

/** Heartbeats as texts: the time, a blank, and JSON. */
export async function listProcesses(
  scripts: ScriptCaller,
  limit: number,
): Promise<{ now: number; texts: string[] }> {
  const [now, ...texts] = await scripts.call<[number, ...string[]]>('monitor-processes', [limit]);
  return { now, texts };
}
