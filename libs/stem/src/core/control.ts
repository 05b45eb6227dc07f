/**
 * What workers can be told, and what they answer. Everything here travels as JSON between processes of
 * possibly different versions, so fields may be added and never change their meaning.
 */

/** How a worker can stop; see {@link StopMode}. */
export const STOP_MODES = ['warm', 'soft', 'hard'] as const;

/**
 * How a worker stops.
 *
 * - `warm`: claims no more, waits for running handlers until the deadline, then asks them to stop.
 * - `soft`: asks running handlers to stop at once, waits for them until the deadline.
 * - `hard`: waits for nothing.
 *
 * In every mode, what has not ended goes back to its queue without an attempt being spent.
 */
export type StopMode = (typeof STOP_MODES)[number];

/** Every command with what it takes and what it is answered with. */
export interface ControlCommands {
  ping: { args: Record<string, never>; answer: WorkerPing };
  stats: { args: Record<string, never>; answer: WorkerStats };
  inspect: { args: { readonly limit: number }; answer: WorkerInspection };
  pause: { args: { readonly queues: readonly string[] }; answer: WorkerQueues };
  resume: { args: { readonly queues: readonly string[] }; answer: WorkerQueues };
  shutdown: { args: { readonly mode: StopMode }; answer: WorkerShutdown };
  revoke: {
    args: {
      readonly ids: readonly string[];
      readonly terminate: boolean;
      readonly reason: string;
    };
    answer: WorkerRevocation;
  };
}

/** Name of a command to workers. */
export type ControlCommandName = keyof ControlCommands;

/** Says that a worker is there. */
export interface WorkerPing {
  /** `starting`, `ready`, `stopping` or `stopped`. */
  readonly state: string;
  readonly isHealthy: boolean;
}

/** What a worker is and does just now. */
export interface WorkerStats {
  readonly state: string;
  readonly isHealthy: boolean;
  /** Why it is not healthy. */
  readonly unhealthyReason?: string | undefined;
  readonly host: string;
  readonly pid: number;
  /** Version of nestjs-stem. */
  readonly version: string;
  readonly uptimeMs: number;
  readonly queues: readonly string[];
  /** Those of its queues from which it was told to take nothing. */
  readonly paused: readonly string[];
  readonly concurrency: number;
  /** Most tasks that it holds at once. */
  readonly prefetch: number;
  /** Handlers that run. */
  readonly running: number;
  /** Tasks in its hands, the running ones included. */
  readonly held: number;
  /** Threads for isolated tasks. */
  readonly threads: number;
  /** What it has done since it was started. */
  readonly counts: {
    /** Runs by how they were over: `succeeded`, `failed`, `retrying`, `cancelled`, … */
    readonly runs: Readonly<Record<string, number>>;
    readonly leasesLost: number;
    readonly blocks: number;
  };
  readonly memory: { readonly rssBytes: number; readonly heapUsedBytes: number };
}

/** One task in a worker's hands. */
export interface HeldTask {
  readonly id: string;
  readonly name: string;
  readonly queue: string;
  /** `running`: its handler runs; `held`: it waits for a free slot, or for its turn. */
  readonly state: 'running' | 'held';
  readonly attempt: number;
  readonly deliveries: number;
  /** How long its handler has been running, in milliseconds; absent while it is held. */
  readonly runningMs?: number | undefined;
}

/** The tasks in a worker's hands. */
export interface WorkerInspection {
  /** The longest running first, then those that wait, at most as many as were asked for. */
  readonly tasks: readonly HeldTask[];
  /** How many there are. */
  readonly total: number;
}

/** Which queues a worker serves after a pause or resume. */
export interface WorkerQueues {
  readonly queues: readonly string[];
  readonly paused: readonly string[];
}

/** A worker is about to stop. */
export interface WorkerShutdown {
  readonly mode: StopMode;
  /** Handlers that ran when it was told. */
  readonly running: number;
}

/** Which tasks a worker was holding, and has told to stop. */
export interface WorkerRevocation {
  readonly revoked: readonly string[];
}
