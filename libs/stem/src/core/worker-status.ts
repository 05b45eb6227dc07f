/** Where a worker is between its making and its end. */
export type WorkerState = 'idle' | 'starting' | 'ready' | 'stopping' | 'stopped';

/** Whether a worker does its work, as far as it can tell itself. */
export type WorkerHealth =
  | { readonly status: 'healthy' }
  | {
      readonly status: 'unhealthy';
      readonly reason: string;
      /** When a claim was last answered. */
      readonly since: Date;
    };

/** How a run was over. */
export type RunOutcome =
  'succeeded' | 'failed' | 'retrying' | 'cancelled' | 'released' | 'lease-lost';

/** What a worker has done since it was made. */
export interface WorkerCounts {
  /** How many runs were over in which way. */
  readonly runs: Readonly<Record<RunOutcome, number>>;
  /** How often its lease was lost, with all the tasks it held. */
  readonly leasesLost: number;
  /** How often its process did nothing for longer than its lease. */
  readonly blocks: number;
}
