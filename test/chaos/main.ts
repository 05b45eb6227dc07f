/**
 * Real processes, a private Redis, and everything that can happen to them. See docs/reliability.md.
 *
 * Usage: npm run test:chaos -- [--minutes n] [--seed n] [--keep]
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { SCRIPT_FAULT_POINTS } from '../../libs/stem/src/broker/redis/scripts/script-caller.js';
import { WORKER_FAULT_POINTS } from '../../libs/stem/src/core/fault-points.js';
import { type Evidence, judge } from './checker.js';
import { monotonicMs } from './ledger.js';
import { Random } from './random.js';
import { Stage, stageFolder, type StageOptions } from './stage.js';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '2' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    /** Leaves the ledgers and the output of all processes where they are. */
    keep: { type: 'boolean', default: false },
  },
});
const minutes = Number(values.minutes);
const seed = Number(values.seed);
if (!(minutes > 0) || !Number.isInteger(seed)) {
  throw new Error('--minutes takes a positive number, --seed a whole one');
}

const startedMs = monotonicMs();
const log = (line: string): void =>
  console.log(`${((monotonicMs() - startedMs) / 1_000).toFixed(1).padStart(6)} s  ${line}`);
const root = mkdtempSync(join(tmpdir(), 'stem-chaos-'));
const programs = dirname(fileURLToPath(import.meta.url));
const base = { programs, log, leaseMs: 3_000, recoveryLimitMs: 6_000 } as const;

/** Schedules are no part of this test: nothing here would notice a tick that is lost. Nor is what operators see. */
const points = [...SCRIPT_FAULT_POINTS, ...WORKER_FAULT_POINTS].filter(
  (point) => !/^script:(schedule-|fire|monitor-)/.test(point),
);

const stages: Omit<StageOptions, 'folder' | 'programs' | 'log'>[] = [
  {
    ...base,
    label: 'always',
    recoveriesExpected: 10,
    fsync: 'always',
    seconds: minutes * 60 * 0.65,
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
    ...base,
    label: 'everysec',
    recoveriesExpected: 0,
    fsync: 'everysec',
    seconds: minutes * 60 * 0.2,
    points: [],
    faults: {
      'kill a worker': 2,
      'replace a worker': 1,
      'kill Redis': 1,
      'cut the power of Redis': 3,
    },
    random: new Random(seed + 1),
  },
];
/** One kill with the lease that applications have by default; it takes as long as the rest together. */
const defaults: Omit<StageOptions, 'folder' | 'programs' | 'log'> = {
  label: 'defaults',
  fsync: 'always',
  leaseMs: 30_000,
  recoveryLimitMs: 45_000,
  recoveriesExpected: 1,
  seconds: 0,
  points: [],
  faults: {},
  random: new Random(seed + 2),
};

log(
  `seed ${seed}, ${minutes} minutes, ${cpus().length} × ${cpus()[0]?.model}, Node ${process.version}`,
);
const runStage = (stage: Omit<StageOptions, 'folder' | 'programs' | 'log'>): Promise<Evidence> =>
  Stage.run({ ...stage, programs, log, folder: stageFolder(root, stage.label) });

const results: [string, Evidence][] = [];
// The long wait of the defaults goes on beside the others.
const waiting = runStage(defaults);
waiting.catch(() => undefined);
for (const stage of stages) results.push([stage.label, await runStage(stage)]);
results.push(['defaults', await waiting]);

let violated = false;
for (const [label, evidence] of results) {
  const { figures, violations } = judge(evidence);
  const stage = label === 'defaults' ? defaults : stages.find((one) => one.label === label);
  console.log(
    `\n${label}: append-only file with fsync ${stage?.fsync}, visibility timeout ${(stage?.leaseMs ?? 0) / 1_000} s`,
  );
  for (const [what, figure] of figures) console.log(`  ${what.padEnd(70)} ${figure}`);
  for (const violation of violations) console.log(`  VIOLATION ${violation}`);
  violated ||= violations.length > 0;
  if (violations.length > 0) {
    writeFileSync(
      join(root, `${label}.json`),
      JSON.stringify({
        ...evidence,
        finals: [...evidence.finals],
        facts: { ...evidence.facts, states: [] },
      }),
    );
  }
}
log(
  violated
    ? `VIOLATED; ledgers and output are in ${root}; repeat with --seed ${seed}`
    : 'all promises kept',
);
if (!violated && !values.keep) rmSync(root, { recursive: true, force: true });
process.exitCode = violated ? 1 : 0;
