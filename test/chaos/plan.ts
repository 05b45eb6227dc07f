import { SCRIPT_FAULT_POINTS } from '../../libs/stem/src/broker/redis/scripts/script-caller.js';
import { WORKER_FAULT_POINTS } from '../../libs/stem/src/core/fault-points.js';
import { Random } from './random.js';
import type { StageOptions } from './stage.js';

/** What a stage is, but for where it leaves its traces. */
export type StagePlan = Omit<StageOptions, 'folder' | 'programs' | 'log'>;

const QUICK = {
  versions: ['current'],
  leaseMs: 3_000,
  commandTimeoutMs: 2_000,
  recoveryLimitMs: 6_000,
} as const;

/**
 * Schedules are no part of this test: nothing here would notice a tick that is lost. Nor is what operators
 * see, nor a result backend, let alone a full one.
 */
const points = [...SCRIPT_FAULT_POINTS, ...WORKER_FAULT_POINTS].filter(
  (point) => !/^script:(schedule-|fire|monitor-|keep-result)/.test(point),
);

/** Lanes of stages: those of one lane follow each other, lanes go on beside each other. */
export function planStages(minutes: number, seed: number): StagePlan[][] {
  const seconds = minutes * 60;
  return [
    [
      {
        ...QUICK,
        label: 'always',
        redis: 'fsync always',
        partitions: 3,
        recoveriesExpected: 10,
        seconds: seconds * 0.5,
        points,
        faults: {
          'kill a worker': 5,
          'kill the producer': 1,
          'stop a worker': 3,
          'replace a worker': 3,
          'cut connections': 3,
          'freeze Redis': 2,
          'kill Redis': 2,
        },
        random: new Random(seed),
      },
      {
        ...QUICK,
        label: 'versions',
        redis: 'fsync always',
        partitions: 1,
        versions: ['previous', 'current'],
        recoveriesExpected: 0,
        seconds: seconds * 0.17,
        points: [],
        faults: {
          'replace a worker': 5,
          'replace the producer': 2,
          'kill a worker': 2,
          'stop a worker': 1,
          'kill Redis': 1,
        },
        random: new Random(seed + 3),
      },
    ],
    [
      // One kill with the lease that applications have by default; mostly waiting.
      {
        label: 'defaults',
        redis: 'fsync always',
        partitions: 1,
        versions: ['current'],
        leaseMs: 30_000,
        commandTimeoutMs: 2_000,
        recoveryLimitMs: 45_000,
        recoveriesExpected: 1,
        seconds: 0,
        points: [],
        faults: {},
        random: new Random(seed + 2),
      },
      // A failover is mostly waiting, too.
      {
        ...QUICK,
        label: 'sentinel',
        redis: 'Sentinel',
        // As applications have it, which is about how long a failover takes.
        commandTimeoutMs: 5_000,
        partitions: 2,
        recoveriesExpected: 0,
        seconds: seconds * 0.2,
        points: [],
        faults: {
          'fail over': 1,
          'fail over, with a replica that lags': 2,
          'kill a worker': 1,
          'replace a worker': 1,
        },
        random: new Random(seed + 4),
      },
      {
        ...QUICK,
        label: 'everysec',
        redis: 'fsync everysec',
        partitions: 1,
        recoveriesExpected: 0,
        seconds: seconds * 0.17,
        points: [],
        faults: {
          'kill a worker': 2,
          'replace a worker': 1,
          'kill Redis': 1,
          'cut the power of Redis': 3,
        },
        random: new Random(seed + 1),
      },
    ],
  ];
}
