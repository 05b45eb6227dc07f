/**
 * Real processes, Redis servers of their own, and everything that can happen to them. See
 * docs/reliability.md.
 *
 * Usage: npm run test:chaos -- [--minutes n] [--seed n] [--only stage] [--keep]
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Evidence, judge } from './checker.js';
import { monotonicMs } from './ledger.js';
import { planStages, type StagePlan } from './plan.js';
import { Stage } from './stage.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    minutes: { type: 'string', default: '2' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    /** Nothing but the stage of this label. */
    only: { type: 'string' },
  },
});
/** Of this run alone: programs in a folder for each version; ledgers come beside them. */
const [folder = ''] = positionals;
const minutes = Number(values.minutes);
const seed = Number(values.seed);
if (!(minutes > 0) || !Number.isInteger(seed)) {
  throw new Error('--minutes takes a positive number, --seed a whole one');
}
const lanes = planStages(minutes, seed).map((lane) =>
  lane.filter(({ label }) => values.only === undefined || values.only === label),
);
if (lanes.flat().length === 0) throw new Error(`There is no stage '${values.only}'`);

const startedMs = monotonicMs();
const log = (line: string): void =>
  console.log(`${((monotonicMs() - startedMs) / 1_000).toFixed(1).padStart(6)} s  ${line}`);

log(
  `seed ${seed}, ${minutes} minutes, ${cpus().length} × ${cpus()[0]?.model}, Node ${process.version}`,
);
const ledgers = join(folder, 'ledgers');
const runLane = async (lane: readonly StagePlan[]): Promise<(readonly [StagePlan, Evidence])[]> => {
  const results: (readonly [StagePlan, Evidence])[] = [];
  for (const plan of lane) {
    const traces = join(ledgers, plan.label);
    mkdirSync(traces, { recursive: true });
    results.push([plan, await Stage.run({ ...plan, programs: folder, log, folder: traces })]);
  }
  return results;
};
const results = (await Promise.all(lanes.map(runLane))).flat();

let violated = false;
for (const [plan, evidence] of results) {
  const { figures, violations } = judge(evidence);
  const { label, redis, partitions, leaseMs } = plan;
  console.log(
    `\n${label}: ${redis}, partitions: ${partitions}, visibility timeout ${leaseMs / 1_000} s`,
  );
  for (const [what, figure] of figures) console.log(`  ${what.padEnd(70)} ${figure}`);
  for (const violation of violations) console.log(`  VIOLATION ${violation}`);
  violated ||= violations.length > 0;
  if (violations.length > 0) {
    writeFileSync(
      join(ledgers, `${label}.json`),
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
    ? `VIOLATED; ledgers and output are in ${ledgers}; repeat with --seed ${seed}`
    : 'all promises kept',
);
process.exitCode = violated ? 1 : 0;
