import type { ScriptCaller } from './script-caller.js';

/** A task in a listing, and the time by which it is placed there (ms). */
export interface ListedTask {
  readonly id: string;
  readonly at: number;
}

/** One page of a listing. */
export interface ListedPage {
  readonly found: readonly ListedTask[];
  /** How many tasks were looked at. */
  readonly looked: number;
  /** Where to go on; absent at the end. */
  readonly next: string | undefined;
}

/** Ready and running tasks of a queue and priority. */
export async function listReady(
  scripts: ScriptCaller,
  request: {
    queue: string;
    priority: string;
    state: 'queued' | 'running' | undefined;
    name: string | undefined;
    from: string | undefined;
    count: number;
  },
): Promise<ListedPage> {
  const { queue, priority, state = '', name, from = '', count } = request;
  const args = [queue, priority, state, jsonName(name), from, count];
  const [next, looked, ...rows] = await scripts.call<[string, number, ...string[]]>(
    'list-ready',
    args,
  );
  return { found: listed(rows), looked, next: next === '' ? undefined : next };
}

/** Scheduled and retrying tasks, or dead letters, of a queue. */
export async function listSorted(
  scripts: ScriptCaller,
  request: {
    set: 'delayed' | 'dead';
    queue: string;
    letters: string;
    name: string | undefined;
    from: string | undefined;
    count: number;
  },
): Promise<ListedPage> {
  const { set, queue, letters, name, from = '0', count } = request;
  const args = [set, queue, letters, jsonName(name), from, count];
  const [looked, ...rows] = await scripts.call<[number, ...string[]]>('list-sorted', args);
  const next = looked < count ? undefined : String(Number(from) + looked);
  return { found: listed(rows), looked, next };
}

/** Ended tasks of all queues, in no order. */
export async function listEnded(
  scripts: ScriptCaller,
  request: {
    letters: string;
    queue: string | undefined;
    name: string | undefined;
    from: string | undefined;
    count: number;
  },
): Promise<ListedPage> {
  const { letters, queue = '', name, from = '0', count } = request;
  const [next, looked, ...rows] = await scripts.call<[string, number, ...string[]]>('list-ended', [
    from,
    count,
    letters,
    queue,
    jsonName(name),
  ]);
  return { found: listed(rows), looked, next: next === '0' ? undefined : next };
}

/** As an envelope holds it. */
function jsonName(name: string | undefined): string {
  return name === undefined ? '' : JSON.stringify(name);
}

function listed(rows: readonly string[]): ListedTask[] {
  const tasks: ListedTask[] = [];
  for (let i = 0; i < rows.length; i += 2) {
    tasks.push({ id: rows[i] as string, at: Number(rows[i + 1]) || 0 });
  }
  return tasks;
}
