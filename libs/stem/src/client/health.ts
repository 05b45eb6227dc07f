import type { Broker, QueueStats, ResultBackend } from '../broker/broker.js';
import type { BeatReport, SeenProcess } from '../broker/monitor-store.js';
import type { ScheduleStore } from '../broker/schedule-store.js';
import { formatDuration } from '../core/duration.js';
import { isAliveAfter, type WorkerInfo, workersAmong } from './workers.js';

/** A schedule that is due for longer than this is carried out by nobody. */
const OVERDUE_MS = 30_000;

/** One thing that was looked at. */
export interface HealthCheck {
  readonly name: 'broker' | 'result-backend' | 'schedule-store' | 'workers' | 'beat';
  readonly healthy: boolean;
  /** How long it took to answer. */
  readonly latencyMs?: number;
  /** Why it is not healthy; or, where there is something to say, why it is although… */
  readonly reason?: string;
}

/** What `stem.health()` tells. */
export interface StemHealth {
  /** Whether every check is. */
  readonly healthy: boolean;
  readonly checks: readonly HealthCheck[];
}

/** What {@link checkHealth} looks at. */
export interface HealthSubjects {
  readonly broker: Broker;
  readonly resultBackend: ResultBackend | undefined;
  readonly scheduleStore: ScheduleStore | undefined;
}

/** See `StemClient.health`. */
export async function checkHealth(subjects: HealthSubjects): Promise<StemHealth> {
  const { broker, resultBackend, scheduleStore } = subjects;
  const [asked, results, schedules, seen] = await Promise.all([
    timed('broker', () => broker.listQueues()),
    resultBackend && timed('result-backend', () => resultBackend.get('health')),
    scheduleStore && timed('schedule-store', () => lookAtSchedules(scheduleStore)),
    broker.monitor?.processes().catch(() => undefined),
  ]);
  const checks: HealthCheck[] = [asked.check];
  if (results) checks.push(results.check);
  if (schedules) checks.push(schedules.check);
  if (seen) {
    const { now, processes } = seen;
    if (asked.answer) checks.push(checkWorkers(processes, now, asked.answer));
    if (schedules?.answer) checks.push(checkBeat(processes, now, schedules.answer));
  }
  return { healthy: checks.every(({ healthy }) => healthy), checks };
}

interface ScheduleFacts {
  readonly any: boolean;
  /** The one that waits longest, and for how long, if any does. */
  readonly overdue: { readonly id: string; readonly byMs: number } | undefined;
}

async function lookAtSchedules(store: ScheduleStore): Promise<ScheduleFacts> {
  const [some, due] = await Promise.all([
    store.list({ limit: 1 }),
    store.due({ offset: 0, limit: 1 }),
  ]);
  const first = due.records[0];
  const byMs = first?.next ? due.now - first.next.fireAt : 0;
  return {
    any: some.length > 0,
    overdue: first && byMs > OVERDUE_MS ? { id: first.id, byMs } : undefined,
  };
}

function checkWorkers(
  processes: readonly SeenProcess[],
  now: number,
  queues: readonly QueueStats[],
): HealthCheck {
  const workers = workersAmong(processes, now, new Set());
  const alive = workers.filter(({ isAlive }) => isAlive);
  const reason = faultOfWorkers(workers, alive, queues);
  return { name: 'workers', healthy: reason === undefined, ...(reason && { reason }) };
}

function faultOfWorkers(
  workers: readonly WorkerInfo[],
  alive: readonly WorkerInfo[],
  queues: readonly QueueStats[],
): string | undefined {
  if (workers.length === 0) return 'No worker has sent a heartbeat. Start one.';
  if (alive.length === 0) {
    const last = Math.min(...workers.map(({ heartbeatAgeMs }) => heartbeatAgeMs));
    return `No worker is alive; the last heartbeat came ${seconds(last)} ago.`;
  }
  for (const { id, health } of alive) {
    if (health.status === 'unhealthy') return `Worker ${id} takes no tasks: ${health.reason}.`;
  }
  const served = new Set(alive.flatMap((worker) => worker.queues));
  const left = queues.filter(
    ({ name, queued, paused }) => queued > 0 && !paused && !served.has(name),
  );
  if (left.length === 0) return undefined;
  const names = left.map(({ name, queued }) => `'${name}' (${queued} ready)`).join(', ');
  return `Tasks wait in queues that no worker serves: ${names}.`;
}

function checkBeat(
  processes: readonly SeenProcess[],
  now: number,
  { any, overdue }: ScheduleFacts,
): HealthCheck {
  if (overdue) {
    const reason = `Schedule '${overdue.id}' has been due for ${seconds(overdue.byMs)}.`;
    return { name: 'beat', healthy: false, reason };
  }
  if (!any) return { name: 'beat', healthy: true, reason: 'There are no schedules.' };
  const beats = processes.flatMap(({ report, beatAt }) =>
    report.kind === 'beat' && isAliveAfter(now - beatAt, report.intervalMs) ? [report] : [],
  );
  if (beats.length === 0) {
    return { name: 'beat', healthy: false, reason: 'There are schedules, but no Beat is alive.' };
  }
  // One that ticks is enough for all of them.
  if (beats.some(({ isTicking }) => isTicking)) return { name: 'beat', healthy: true };
  return {
    name: 'beat',
    healthy: false,
    reason: `Beat does not tick: ${(beats[0] as BeatReport).reason}`,
  };
}

function seconds(ms: number): string {
  return formatDuration(Math.max(1, Math.round(ms / 1_000)) * 1_000);
}

async function timed<T>(
  name: HealthCheck['name'],
  ask: () => Promise<T>,
): Promise<{ check: HealthCheck; answer?: T }> {
  const from = performance.now();
  const latency = (): number => Math.round((performance.now() - from) * 10) / 10;
  try {
    const answer = await ask();
    return { check: { name, healthy: true, latencyMs: latency() }, answer };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { check: { name, healthy: false, latencyMs: latency(), reason } };
  }
}
