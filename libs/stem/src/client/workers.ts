import type { Broker } from '../broker/broker.js';
import type { SeenProcess, WorkerReport } from '../broker/monitor-store.js';
import type { WorkerCounts, WorkerHealth, WorkerState } from '../core/worker-status.js';
import type { KnownWorker } from './ask-workers.js';
import { monitorOf } from './monitor-of.js';
import { WorkerControl, type WorkerControlParts } from './worker-control.js';

/** A heartbeat may be late by this many intervals before its process counts as gone. */
const MISSED_BEATS = 3;
/** Below this, a late heartbeat says nothing: networks and event loops are late by as much. */
const LEAST_ALIVE_MS = 1_000;

/** A worker as its last heartbeat described it. */
export interface WorkerInfo {
  /** The worker's name and a random part: one start of one process, or one lease of it. */
  readonly id: string;
  readonly name: string;
  readonly queues: readonly string[];
  /** Queues of its own that it takes nothing from now, because they or it are paused. */
  readonly paused: readonly string[];
  readonly host: string;
  readonly pid: number;
  /** Of nestjs-stem. */
  readonly version: string;
  readonly startedAt: Date;
  readonly heartbeatAt: Date;
  readonly heartbeatAgeMs: number;
  /** Whether three heartbeats in a row have not been missed yet. */
  readonly isAlive: boolean;
  readonly state: WorkerState;
  readonly health: WorkerHealth;
  readonly concurrency: number;
  /** Most tasks that it holds, those that run included. */
  readonly prefetch: number;
  readonly running: number;
  /** Tasks in its hands: those that run, and those that wait in its process. */
  readonly held: number;
  /** Threads that it keeps for isolated tasks. */
  readonly threads: number;
  /** How late its event loop was between its last two heartbeats. */
  readonly eventLoopLagMs: { readonly mean: number; readonly p99: number };
  readonly memory: { readonly rssBytes: number; readonly heapUsedBytes: number };
  readonly counts: WorkerCounts;
}

/** Looks at the workers of all processes, and governs them: `stem.workers`. */
export class Workers extends WorkerControl {
  readonly #broker: Broker;

  constructor({ broker, resultTtlMs }: Omit<WorkerControlParts, 'known'>) {
    super({ broker, resultTtlMs, known: () => knownWorkers(broker) });
    this.#broker = broker;
  }

  /**
   * Workers by name and id, as their last heartbeats described them. One that stopped in good order is
   * gone at once; one that was killed stays for ten heartbeats, soon with `isAlive` false.
   *
   * @throws {StemConfigError} when the broker keeps no heartbeats.
   */
  async list(): Promise<WorkerInfo[]> {
    const [{ now, processes }, queues] = await Promise.all([
      monitorOf(this.#broker, 'list workers').processes(),
      this.#broker.listQueues(),
    ]);
    const paused = new Set(queues.filter((queue) => queue.paused).map(({ name }) => name));
    return workersAmong(processes, now, paused);
  }
}

/** Workers that are known from their heartbeats; none where a broker keeps none. */
async function knownWorkers({ monitor }: Broker): Promise<readonly KnownWorker[]> {
  if (!monitor) return [];
  const { now, processes } = await monitor.processes();
  return workersAmong(processes, now, new Set());
}

/** The workers among processes, by name and id. */
export function workersAmong(
  processes: readonly SeenProcess[],
  now: number,
  pausedQueues: ReadonlySet<string>,
): WorkerInfo[] {
  return processes
    .flatMap(({ report, beatAt }) =>
      report.kind === 'worker' ? [infoOf(report, beatAt, now, pausedQueues)] : [],
    )
    .sort((a, b) => compare(a.name, b.name) || compare(a.id, b.id));
}

/** Whether a process that sends a heartbeat every `intervalMs` is alive, as far as can be told. */
export function isAliveAfter(ageMs: number, intervalMs: number): boolean {
  return ageMs <= Math.max(MISSED_BEATS * intervalMs, LEAST_ALIVE_MS);
}

function infoOf(
  report: WorkerReport,
  beatAt: number,
  now: number,
  pausedQueues: ReadonlySet<string>,
): WorkerInfo {
  const { id, name, queues, illness, counts } = report;
  const heartbeatAgeMs = Math.max(0, now - beatAt);
  return {
    id,
    name,
    queues,
    paused: queues.filter((queue) => pausedQueues.has(queue) || report.paused.includes(queue)),
    host: report.host,
    pid: report.pid,
    version: report.version,
    startedAt: new Date(report.startedAt),
    heartbeatAt: new Date(beatAt),
    heartbeatAgeMs,
    isAlive: isAliveAfter(heartbeatAgeMs, report.intervalMs),
    state: report.state,
    health: illness
      ? { status: 'unhealthy', reason: illness.reason, since: new Date(illness.since) }
      : { status: 'healthy' },
    concurrency: report.concurrency,
    prefetch: report.prefetch,
    running: report.running,
    held: report.held,
    threads: report.threads,
    eventLoopLagMs: report.eventLoopLagMs,
    memory: report.memory,
    counts,
  };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
