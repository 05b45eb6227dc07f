import type { TaskState } from 'nestjs-stem';
import type { Facts, Forgotten } from './history.js';
import type { Entry, TaskKind } from './ledger.js';
import { expectedEnd } from './tasks.js';

/** What is left in Redis at the end, of one key. */
export interface KeyInfo {
  readonly key: string;
  readonly type: string;
  /** Remaining life; -1 for none. */
  readonly ttlMs: number;
  /** Elements, or bytes of a string. */
  readonly size: number;
  /** First letter of a task's record. */
  readonly state?: string;
  /** Delivered and not settled, of a stream. */
  readonly pending?: number;
}

/** What a client is told of a task at the end. */
export interface FinalTask {
  readonly state: TaskState;
  readonly result?: unknown;
}

/** Something that was done to a process. */
export interface Blow {
  readonly process: string;
  readonly kind: 'killed' | 'stopped' | 'asked to stop';
  readonly atMs: number;
  /** How a process that was asked to stop ended. */
  readonly exitCode?: number | null;
}

/** What the server forgot: not yet on the disk in a power cut, not yet with the replica in a failover. */
export interface MemoryLoss extends Forgotten {
  readonly cause: 'power cut' | 'failover';
  readonly atMs: number;
  /** Everything that was answered before this time was kept. */
  readonly keptUntilMs: number;
}

/** Everything that was seen of a run. */
export interface Evidence {
  readonly entries: readonly Entry[];
  readonly facts: Facts;
  readonly finals: ReadonlyMap<string, FinalTask>;
  readonly keys: readonly KeyInfo[];
  readonly blows: readonly Blow[];
  /** Times in which Redis did not answer. */
  readonly outages: readonly { readonly fromMs: number; readonly untilMs: number }[];
  readonly losses: readonly MemoryLoss[];
  readonly concurrency: number;
  /** Longest time from a kill to the start of the re-run. */
  readonly recoveryLimitMs: number;
  /** So many re-runs must have been seen, or there is nothing to say of their times. */
  readonly recoveriesExpected: number;
  /** Fault points that must have ended a process. */
  readonly points: readonly string[];
  /** Ends of names of processes, of each of which some must have run tasks and some made them. */
  readonly versions: readonly string[];
}

export interface Verdict {
  readonly violations: readonly string[];
  readonly figures: readonly (readonly [string, string])[];
}

/** Times between a reply and the note of it in the ledger, and between two looks at a file's size. */
const NOTE_MS = 150;

/**
 * What may be in Redis when nothing is left to do. Every other key is a leak. The prefix of the
 * partition is cut off.
 */
const KEYS: readonly {
  readonly pattern: RegExp;
  readonly why: string;
  readonly fault?: (key: KeyInfo) => string | undefined;
}[] = [
  {
    pattern: /^t:/,
    why: 'record of an ended task, until its retention is over; of a dead letter until it is replayed or discarded',
    fault: ({ state = '', ttlMs }) => {
      if (!'SFCE'.includes(state)) return `is in state '${state}', which is no end`;
      return state !== 'F' && ttlMs < 0 ? 'never expires' : undefined;
    },
  },
  {
    pattern: /^q:\d:/,
    why: 'stream of a queue and priority that was used; empty',
    fault: ({ size, pending = 0 }) =>
      size + pending > 0 ? `has ${size} entries, ${pending} of them pending` : undefined,
  },
  { pattern: /^m:/, why: 'one per queue: which streams exist, whether it is paused' },
  { pattern: /^n:/, why: 'one per queue: counters' },
  { pattern: /^queues$/, why: 'the set of queues' },
  {
    pattern: /^w:/,
    why: 'wake-up marker of a queue that nobody waits for any more; one at most',
    fault: ({ size }) => (size > 1 ? `has ${size} markers` : undefined),
  },
  { pattern: /^f:/, why: 'index of the dead letters of a queue' },
  {
    pattern: /^counts:\d+$/,
    why: 'what was counted in a minute of the last hour',
    fault: ({ ttlMs }) => (ttlMs < 0 ? 'never expires' : undefined),
  },
  {
    pattern: /^events(:kept)?$/,
    why: 'events for operators, and how many; for a week after the last one',
    fault: ({ ttlMs }) => (ttlMs < 0 ? 'never expires' : undefined),
  },
  {
    pattern: /^(processes(:ends)?$|recorded:)/,
    why: 'what processes told of themselves; for an hour at most after they ended',
    fault: ({ ttlMs }) => (ttlMs < 0 ? 'never expires' : undefined),
  },
  {
    pattern: /^c:/,
    why: 'what was to be kept of a task whose completion was cut short; for a minute',
    fault: ({ ttlMs }) => (ttlMs < 0 ? 'never expires' : undefined),
  },
  {
    pattern: /^b:/,
    why: 'pieces of large batches that were not accepted, and what became of those that were; for a minute',
    fault: ({ ttlMs }) => (ttlMs < 0 ? 'never expires' : undefined),
  },
  {
    pattern: /^l:/,
    why: 'next turn under a rate limit, for about a second',
    fault: ({ ttlMs }) => (ttlMs < 0 ? 'never expires' : undefined),
  },
];

/** Judges a run. Knows nothing of how it came about, so that a test can show it every kind of failure. */
export function judge(evidence: Evidence): Verdict {
  const { entries, facts, finals } = evidence;
  const violations: string[] = [];
  const complain = (what: string, ids: readonly string[]): void => {
    if (ids.length > 0) violations.push(`${ids.length} × ${what}: ${ids.slice(0, 5).join(', ')}`);
  };

  const accepted = new Map<string, { kind: TaskKind; n: number; atMs: number }>();
  for (const entry of entries) {
    if (entry.event === 'accepted' && !accepted.has(entry.id)) accepted.set(entry.id, entry);
  }
  // Not whatever came at a bad time: only what the server is known to have had and forgotten.
  const mayBeLost = (id: string, atMs: number): boolean =>
    evidence.losses.some(
      (loss) =>
        loss.erasedIds.has(id) && atMs >= loss.keptUntilMs - NOTE_MS && atMs <= loss.atMs + NOTE_MS,
    );

  // Every accepted task has come to its end, with the right result.
  const lost: string[] = [];
  const forgotten: string[] = [];
  const unfinished: string[] = [];
  const wrong: string[] = [];
  for (const [id, { kind, n, atMs }] of accepted) {
    const final = finals.get(id);
    const { states, result } = expectedEnd(kind, id, n);
    if (!final) (mayBeLost(id, atMs) ? forgotten : lost).push(id);
    else if (!(states as readonly string[]).includes(final.state)) {
      (final.state in ENDED ? wrong : unfinished).push(`${id} (${final.state})`);
    } else if (final.state === 'succeeded' && !sameJson(final.result, result)) {
      wrong.push(`${id} (${JSON.stringify(final.result)})`);
    }
  }
  complain('accepted task lost', lost);
  complain('accepted task without an end', unfinished);
  complain('accepted task with a wrong end', wrong);

  // Of tasks that were enqueued together all became known to Redis, or none.
  const torn = entries.flatMap((entry) => {
    if (entry.event !== 'offered') return [];
    const known = entry.ids.filter((id) => facts.states.has(id)).length;
    return known === 0 || known === entry.ids.length
      ? []
      : [`${entry.ids[0]} (${known} of ${entry.ids.length})`];
  });
  complain('batch accepted in part', torn);

  // Each exactly once, and by the one who held it.
  const twice: string[] = [];
  const stale: string[] = [];
  for (const { id, worker, reason, before, state } of facts.commits) {
    if (before.ended) twice.push(`${id} (again ${state})`);
    if (worker === '' || reason === 'delivery-limit') continue;
    if (!before.leased) stale.push(`${id} by ${worker}, which had no lease`);
    else if (before.holder !== worker && !wasErased(evidence, id, worker)) {
      stale.push(`${id} by ${worker}, held by ${before.holder ?? 'nobody'}`);
    }
  }
  complain('task ended twice', twice);
  complain('outcome of a worker that did not hold the task', stale);

  // Executions.
  const runs = new Map<string, Extract<Entry, { event: 'started' }>[]>();
  for (const entry of entries) {
    if (entry.event !== 'started') continue;
    const key = `${entry.id}#${entry.attempt}`;
    const others = runs.get(key);
    if (others) others.push(entry);
    else runs.set(key, [entry]);
  }
  let executions = 0;
  let duplicates = 0;
  for (const [key, starts] of runs) {
    executions += starts.length;
    // Operators replay tasks, whose attempts start over: those are meant to run twice.
    if (accepted.has(key.slice(0, key.lastIndexOf('#')))) duplicates += starts.length - 1;
  }
  // A consumer has a lease in each partition, and the same tasks in flight whichever it loses first.
  const losses = new Set(
    facts.endedLeases.filter(({ held }) => held > 0).map(({ consumer }) => consumer),
  ).size;
  const erased = evidence.losses.reduce(
    (sum, loss) => sum + loss.erasedHandOuts.length + loss.erasedCommits,
    0,
  );
  const bound = losses * evidence.concurrency + erased;
  if (duplicates > bound) {
    violations.push(
      `${duplicates} duplicate executions; ${losses} lost leases × ${evidence.concurrency} tasks in ` +
        `flight${erased > 0 ? ` + ${erased} steps that Redis forgot` : ''} explain ${bound}`,
    );
  }

  // Recovery.
  const recoveries = recoveryTimes(evidence, runs);
  const slow = recoveries.undisturbed.filter((ms) => ms > evidence.recoveryLimitMs);
  complain(
    `re-run later than ${evidence.recoveryLimitMs} ms after its kill`,
    slow.map((ms) => `${Math.round(ms)} ms`),
  );

  const seen = recoveries.undisturbed.length + recoveries.disturbed.length;
  if (seen < evidence.recoveriesExpected) {
    violations.push(`${seen} re-runs after a kill; too few to say how long they take`);
  }

  // Processes.
  const asked = evidence.blows.filter(({ kind }) => kind === 'asked to stop');
  complain(
    'process that was asked to stop did not exit with 0',
    asked.filter(({ exitCode }) => exitCode !== 0).map((b) => `${b.process} (${b.exitCode})`),
  );
  const died = new Set(entries.flatMap((entry) => (entry.event === 'died' ? [entry.point] : [])));
  complain(
    'fault point at which no process died',
    evidence.points.filter((point) => !died.has(point)),
  );

  const versions = evidence.versions.map((version) => {
    const of = (event: Entry['event']): number =>
      entries.filter((entry) => entry.event === event && entry.process.endsWith(version)).length;
    return { version, accepted: of('accepted'), started: of('started') };
  });
  complain(
    'version that made or ran no task',
    versions.filter((v) => v.accepted === 0 || v.started === 0).map(({ version }) => version),
  );

  // What is left.
  const kinds = new Map<string, number>();
  const leaks: string[] = [];
  for (const info of evidence.keys) {
    const key = info.key.slice(info.key.indexOf('}:') + 2);
    const known = KEYS.find(({ pattern }) => pattern.test(key));
    const fault = known ? known.fault?.(info) : 'is of a kind that should be gone';
    if (fault !== undefined) leaks.push(`${info.key} (${info.type}) ${fault}`);
    if (known) kinds.set(known.why, (kinds.get(known.why) ?? 0) + 1);
  }
  complain('key left behind', leaks);

  const figures: [string, string][] = [
    ['tasks accepted', String(accepted.size)],
    ['executions', String(executions)],
    ['lost', String(lost.length + unfinished.length)],
    ...CAUSES.flatMap(({ cause, when }): [string, string][] => {
      const count = evidence.losses.filter((loss) => loss.cause === cause).length;
      if (count === 0) return [];
      return [
        [`${cause}s`, String(count)],
        [`accepted ${when}, and lost`, String(forgotten.length)],
      ];
    }),
    ...versions.map((v): [string, string] => [
      `made and run by version '${v.version}'`,
      `${v.accepted} and ${v.started}`,
    ]),
    ['wrong end or result', String(wrong.length)],
    ['ended twice', String(twice.length)],
    ['outcomes of workers that did not hold the task', String(stale.length)],
    ['duplicate executions', `${duplicates} (explained by lost leases: up to ${bound})`],
    ['processes killed', String(evidence.blows.filter(({ kind }) => kind === 'killed').length)],
    ['of these at fault points', `${died.size} of ${evidence.points.length} points`],
    [
      'stopped for longer than the lease',
      String(evidence.blows.filter(({ kind }) => kind === 'stopped').length),
    ],
    ['asked to stop, all with exit code 0', String(asked.length)],
    ['Redis outages', String(evidence.outages.length)],
    ['kill to re-run, Redis up', describeTimes(recoveries.undisturbed)],
    ['kill to re-run, Redis away meanwhile', describeTimes(recoveries.disturbed)],
    ['keys left', String(evidence.keys.length)],
    ...[...kinds].map(([why, count]): [string, string] => [`  ${why}`, String(count)]),
  ];
  return { violations, figures };
}

const CAUSES = [
  { cause: 'power cut', when: 'in the second before a power cut' },
  { cause: 'failover', when: 'while the replica lagged behind, just before a failover' },
] as const;

const ENDED = { succeeded: 1, failed: 1, cancelled: 1, expired: 1 } as const;

/** Whether the server had handed the task to this worker, and forgot it. */
function wasErased({ losses }: Evidence, id: string, worker: string): boolean {
  return losses.some(({ erasedHandOuts }) =>
    erasedHandOuts.some((handOut) => handOut.id === id && handOut.consumer === worker),
  );
}

function recoveryTimes(
  { blows, outages, entries, facts }: Evidence,
  runs: ReadonlyMap<string, readonly Extract<Entry, { event: 'started' }>[]>,
): { undisturbed: number[]; disturbed: number[] } {
  const killedAt = new Map<string, number>();
  for (const { process, kind, atMs } of blows) if (kind === 'killed') killedAt.set(process, atMs);
  for (const entry of entries) if (entry.event === 'died') killedAt.set(entry.process, entry.atMs);
  const given = new Map<string, string[]>();
  for (const { id, consumer } of facts.handOuts) {
    const consumers = given.get(id);
    if (consumers) consumers.push(consumer);
    else given.set(id, [consumer]);
  }
  // One that is killed with the task in its hands, before it has started it, makes the next one wait anew.
  const lastKillBefore = (id: string, firstMs: number, untilMs: number): number => {
    let last = firstMs;
    for (const [process, atMs] of killedAt) {
      if (atMs <= last || atMs > untilMs) continue;
      if (given.get(id)?.some((consumer) => consumer.startsWith(`${process}-`))) last = atMs;
    }
    return last;
  };
  const times = { undisturbed: [] as number[], disturbed: [] as number[] };
  for (const starts of runs.values()) {
    for (const [index, { process, id }] of starts.entries()) {
      const killedMs = killedAt.get(process);
      const next = starts[index + 1];
      if (killedMs === undefined || next === undefined || next.atMs < killedMs) continue;
      const from = lastKillBefore(id, killedMs, next.atMs);
      const isDisturbed = outages.some((o) => o.fromMs <= next.atMs && o.untilMs >= from);
      times[isDisturbed ? 'disturbed' : 'undisturbed'].push(next.atMs - from);
    }
  }
  return times;
}

function describeTimes(times: readonly number[]): string {
  if (times.length === 0) return 'none';
  const sorted = [...times].sort((a, b) => a - b);
  const at = (share: number): string => {
    const index = Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1);
    return ((sorted[Math.max(0, index)] as number) / 1_000).toFixed(1);
  };
  return `p50 ${at(0.5)} s, p99 ${at(0.99)} s, max ${at(1)} s (${times.length} tasks)`;
}

function sameJson(one: unknown, other: unknown): boolean {
  return JSON.stringify(sortKeys(one)) === JSON.stringify(sortKeys(other));
}

function sortKeys(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
