import { type Evidence, judge, type KeyInfo } from './checker.js';
import {
  type Commit,
  type Facts,
  factsOf,
  forgottenBetween,
  lengthInCommon,
  parseAppendOnlyFile,
  since,
  type Transaction,
} from './history.js';
import type { Entry } from './ledger.js';

const LEASES = '{chaos:0}:leases';
const STREAM = '{chaos:0}:q:0:chaos';
const record = (id: string): string => `{chaos:0}:t:${id}`;

/** The steps that Redis notes for a task's life, as commands. */
const steps = {
  lease: (consumer: string): Transaction => [['ZADD', LEASES, '1', consumer]],
  reclaim: (consumer: string, entry: string): Transaction => [
    ['ZREM', LEASES, consumer],
    ['XCLAIM', STREAM, 'stem', '~returned', '0', entry, 'TIME', '1', 'RETRYCOUNT', '1', 'FORCE'],
  ],
  enqueue: (id: string, entry: string): Transaction => [
    ['XADD', STREAM, entry, 'm', '[]'],
    ['SETNX', record(id), `q\tchaos\t0\t${entry}`],
  ],
  claim: (consumer: string, entry: string): Transaction => [
    ['XCLAIM', STREAM, 'stem', consumer, '0', entry, 'TIME', '1', 'RETRYCOUNT', '1', 'FORCE'],
  ],
  complete: (consumer: string, id: string, entry: string): Transaction => [
    ['XACK', STREAM, 'stem', entry],
    ['XDEL', STREAM, entry],
    ['SET', record(id), `S\tchaos\t0\t0\t1\t0\t1\t2\t3\t${consumer}\t\n[]\n1`, 'PXAT', '9'],
  ],
};

/** One transaction for several tasks. */
const enqueueTogether = (
  ...tasks: readonly (readonly [id: string, entry: string])[]
): Transaction => [
  ...tasks.map(([, entry]) => ['XADD', STREAM, entry, 'm', '[]']),
  ['MSETNX', ...tasks.flatMap(([id, entry]) => [record(id), `q\tchaos\t0\t${entry}`])],
];

const HEALTHY = [
  steps.lease('w1'),
  steps.enqueue('p-0', '1-0'),
  steps.claim('w1', '1-0'),
  steps.complete('w1', 'p-0', '1-0'),
];

const accepted = (id: string, atMs = 10): Entry => ({
  process: 'p',
  atMs,
  event: 'accepted',
  id,
  kind: 'quick',
  n: 0,
});
const started = (id: string, process: string, atMs: number, attempt = 0): Entry => ({
  process,
  atMs,
  event: 'started',
  id,
  kind: 'quick',
  attempt,
  deliveries: 1,
});

function evidence(changes: Partial<Evidence> = {}): Evidence {
  return {
    entries: [accepted('p-0'), started('p-0', 'one', 20)],
    facts: factsOf(HEALTHY),
    finals: new Map([['p-0', { state: 'succeeded', result: { n: 0, kind: 'quick' } }]]),
    keys: [{ key: record('p-0'), type: 'string', ttlMs: 1_000, size: 9, state: 'S' }],
    blows: [],
    outages: [],
    losses: [],
    concurrency: 1,
    recoveryLimitMs: 6_000,
    recoveriesExpected: 0,
    points: [],
    versions: [],
    ...changes,
  };
}

const complaints = (changes: Partial<Evidence>): string =>
  judge(evidence(changes)).violations.join();

describe('the checker of the chaos test', () => {
  it('has nothing to say against a healthy run', () => {
    expect(judge(evidence()).violations).toEqual([]);
  });

  it('sees an accepted task that is lost', () => {
    expect(complaints({ finals: new Map() })).toMatch(/1 × accepted task lost: p-0/);
  });

  it('sees an accepted task that has no end', () => {
    expect(complaints({ finals: new Map([['p-0', { state: 'running' }]]) })).toMatch(
      /without an end: p-0 \(running\)/,
    );
  });

  it('sees a wrong end, and a wrong result', () => {
    expect(complaints({ finals: new Map([['p-0', { state: 'failed' }]]) })).toMatch(/wrong end/);
    expect(
      complaints({ finals: new Map([['p-0', { state: 'succeeded', result: { n: 1 } }]]) }),
    ).toMatch(/wrong end/);
  });

  it('sees a batch of which only a part was accepted', () => {
    const offered = (...ids: string[]): Entry => ({ process: 'p', atMs: 5, event: 'offered', ids });
    const entries = evidence().entries;
    expect(complaints({ entries: [offered('p-1', 'p-2'), ...entries] })).toBe('');
    expect(complaints({ entries: [offered('p-0'), ...entries] })).toBe('');
    expect(complaints({ entries: [offered('p-0', 'p-1'), ...entries] })).toMatch(
      /1 × batch accepted in part: p-0 \(1 of 2\)/,
    );
  });

  it('follows a large record, which is written ahead and then put in its place', () => {
    const staged = '{chaos:0}:c:w1:p-0';
    const ahead = (steps.complete('w1', 'p-0', '1-0')[2] ?? []).with(1, staged);
    const facts = factsOf([
      ...HEALTHY.slice(0, 3),
      [ahead],
      [
        ['XACK', STREAM, 'stem', '1-0'],
        ['RENAME', staged, record('p-0')],
      ],
    ]);

    expect(facts.commits).toEqual(factsOf(HEALTHY).commits);
    expect(complaints({ facts })).toBe('');
  });

  it('sees a task that ended twice', () => {
    const facts = factsOf([
      ...HEALTHY,
      steps.claim('w1', '1-0'),
      steps.complete('w1', 'p-0', '1-0'),
    ]);
    expect(complaints({ facts })).toMatch(/1 × task ended twice: p-0/);
  });

  it('sees the outcome of a worker whose lease was taken away', () => {
    const facts = factsOf([
      ...HEALTHY.slice(0, 3),
      steps.reclaim('w1', '1-0'),
      steps.complete('w1', 'p-0', '1-0'),
    ]);
    expect(complaints({ facts })).toMatch(/did not hold the task: p-0 by w1, which had no lease/);
  });

  it('sees the outcome of a worker with a lease for a task that another one holds', () => {
    const facts = factsOf([
      steps.lease('w2'),
      ...HEALTHY.slice(0, 2),
      steps.claim('w2', '1-0'),
      steps.complete('w1', 'p-0', '1-0'),
    ]);
    expect(complaints({ facts })).toMatch(/did not hold the task: p-0 by w1, held by w2/);
  });

  it('accepts duplicate executions that a lost lease explains, and no others', () => {
    const entries = [accepted('p-0'), started('p-0', 'one', 20), started('p-0', 'two', 30)];
    const facts = factsOf([
      ...HEALTHY.slice(0, 3),
      steps.reclaim('w1', '1-0'),
      steps.lease('w2'),
      steps.claim('w2', '1-0'),
      steps.complete('w2', 'p-0', '1-0'),
    ]);
    expect(complaints({ entries, facts })).toBe('');
    expect(complaints({ entries })).toMatch(/1 duplicate executions; 0 lost leases/);
  });

  it('does not take the next attempt for a duplicate', () => {
    const entries = [accepted('p-0'), started('p-0', 'one', 20), started('p-0', 'one', 30, 1)];
    expect(complaints({ entries })).toBe('');
  });

  it('sees a re-run that came too late, unless Redis was away', () => {
    const entries = [accepted('p-0'), started('p-0', 'one', 20), started('p-0', 'two', 7_000)];
    const facts = factsOf([
      ...HEALTHY.slice(0, 3),
      steps.reclaim('w1', '1-0'),
      steps.lease('w2'),
      steps.claim('w2', '1-0'),
      steps.complete('w2', 'p-0', '1-0'),
    ]);
    const blows = [{ process: 'one', kind: 'killed', atMs: 50 }] as const;
    expect(complaints({ entries, facts, blows })).toMatch(/re-run later than 6000 ms/);
    const outages = [{ fromMs: 100, untilMs: 3_000 }];
    expect(complaints({ entries, facts, blows, outages })).toBe('');
  });

  it('counts from the kill of the last one that held it, started or not', () => {
    const facts = factsOf([
      ...HEALTHY.slice(0, 2),
      steps.claim('one-abc', '1-0'),
      steps.claim('two-abc', '1-0'),
      steps.claim('three-abc', '1-0'),
    ]);
    const entries = [accepted('p-0'), started('p-0', 'one', 20), started('p-0', 'three', 9_000)];
    const killed = (process: string, atMs: number) => ({ process, kind: 'killed', atMs }) as const;
    const late = /re-run later than 6000 ms/;
    expect(complaints({ entries, facts, blows: [killed('one', 100)] })).toMatch(late);
    const held = [killed('one', 100), killed('two', 4_000)];
    expect(complaints({ entries, facts, blows: held })).not.toMatch(late);
    const other = [killed('one', 100), killed('four', 4_000)];
    expect(complaints({ entries, facts, blows: other })).toMatch(late);
  });

  it('does not take a run without any re-run for a proof of quick ones', () => {
    expect(complaints({ recoveriesExpected: 1 })).toMatch(/0 re-runs after a kill; too few/);
  });

  it('sees a fault point that nobody died at, and a stop that failed', () => {
    expect(complaints({ points: ['script:claim:before'] })).toMatch(
      /no process died: script:claim/,
    );
    const blows = [{ process: 'one', kind: 'asked to stop', atMs: 1, exitCode: 1 }] as const;
    expect(complaints({ blows })).toMatch(/did not exit with 0: one \(1\)/);
  });

  it.each<[string, Omit<KeyInfo, 'ttlMs' | 'size'> & Partial<KeyInfo>]>([
    ['of a kind that should be gone', { key: '{chaos:0}:p:p-0', type: 'string', ttlMs: 5 }],
    ['lease of a dead consumer', { key: LEASES, type: 'zset' }],
    ['record without an end', { key: record('p-0'), type: 'string', state: 'q' }],
    ['record that never expires', { key: record('p-0'), type: 'string', state: 'S' }],
    ['stream with entries', { key: STREAM, type: 'stream', size: 1, pending: 1 }],
  ])('sees a key left behind: %s', (_what, key) => {
    expect(complaints({ keys: [{ ttlMs: -1, size: 0, ...key }] })).toMatch(/1 × key left behind/);
  });

  it('sees a version that did nothing', () => {
    const entries = [accepted('p-0'), started('p-0', 'worker-1-previous', 20)];
    expect(complaints({ entries, versions: ['previous'] })).toMatch(
      /made or ran no task: previous/,
    );
    const both = [...entries, { ...accepted('p-0'), process: 'producer-1-previous' }];
    expect(complaints({ entries: both, versions: ['previous'] })).toBe('');
  });

  describe.each(['power cut', 'failover'] as const)('after a %s', (cause) => {
    const loss = {
      cause,
      atMs: 2_000,
      keptUntilMs: 1_000,
      erasedHandOuts: [],
      erasedCommits: 0,
      erasedIds: new Set(['p-0']),
    };
    const lost = { finals: new Map<string, never>(), losses: [loss] };

    it('forgives the loss of what was accepted in the moment before it, and of nothing else', () => {
      expect(complaints({ ...lost, entries: [accepted('p-0', 1_500)] })).toBe('');
      expect(complaints({ ...lost, entries: [accepted('p-0', 500)] })).toMatch(/lost: p-0/);
      expect(complaints({ ...lost, entries: [accepted('p-0', 2_500)] })).toMatch(/lost: p-0/);
    });

    it('does not forgive a loss at that time of what Redis had kept', () => {
      const losses = [{ ...loss, erasedIds: new Set<string>() }];
      expect(complaints({ ...lost, losses, entries: [accepted('p-0', 1_500)] })).toMatch(
        /lost: p-0/,
      );
    });

    it('lets a worker settle what it was handed in that second, and nothing else', () => {
      const commit: Commit = {
        id: 'p-0',
        state: 'succeeded',
        worker: 'w1',
        reason: '',
        before: { ended: false, holder: undefined, leased: true },
      };
      const facts: Facts = { commits: [commit], handOuts: [], endedLeases: [], states: new Map() };
      const erasedHandOuts = [{ id: 'p-0', consumer: 'w1' }];
      expect(complaints({ facts, losses: [{ ...loss, erasedHandOuts }] })).toBe('');
      expect(complaints({ facts, losses: [loss] })).toMatch(/held by nobody/);
    });
  });
});

describe('the history of a Redis', () => {
  it('keeps partitions apart', () => {
    const inOther = (step: Transaction): Transaction =>
      step.map((words) => words.map((word) => word.replace('{chaos:0}', '{chaos:1}')));
    const facts = factsOf([
      steps.lease('w1'),
      inOther(steps.enqueue('p-0', '1-0')),
      inOther(steps.claim('w1', '1-0')),
      steps.reclaim('w1', '1-0'),
      inOther(steps.complete('w1', 'p-0', '1-0')),
    ]);
    expect(facts.endedLeases).toEqual([{ consumer: 'w1', held: 0 }]);
    expect(facts.commits).toMatchObject([{ before: { holder: 'w1', leased: false } }]);
  });

  it('tells what was forgotten by a server that knows only the beginning', () => {
    expect(forgottenBetween(HEALTHY, HEALTHY.slice(0, 2))).toEqual({
      erasedHandOuts: [{ id: 'p-0', consumer: 'w1' }],
      erasedCommits: 1,
      erasedIds: new Set(),
    });
    expect(forgottenBetween(HEALTHY, HEALTHY.slice(0, 1)).erasedIds).toEqual(new Set(['p-0']));
  });

  it('finds where the histories of a master and its replica part', () => {
    const mark: Transaction = [['SET', 'mark:1', 'mark']];
    const select: Transaction = [['SELECT', '0']];
    const master = since([...HEALTHY.slice(0, 1), mark, ...HEALTHY.slice(1)], 'mark:1');
    const replica = since([select, mark, select, HEALTHY[1] ?? [], steps.lease('w2')], 'mark:1');
    expect(lengthInCommon(master, replica)).toBe(1);
    expect(lengthInCommon(master, master)).toBe(3);
    expect(() => since(HEALTHY, 'mark:1')).toThrow(/mark:1/);
  });
});

describe('the reader of append-only files', () => {
  const write = (...words: string[]): string =>
    `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`;

  it('reads commands and transactions, and leaves out what is incomplete', () => {
    const text =
      write('SELECT', '0') +
      write('MULTI') +
      write('SET', 'é', 'a\r\nb') +
      write('EXEC') +
      write('DEL', 'x');
    const whole = Buffer.from(`#TS:1\r\n${text}`);
    expect(parseAppendOnlyFile(whole)).toEqual([
      [['SELECT', '0']],
      [['SET', 'é', 'a\r\nb']],
      [['DEL', 'x']],
    ]);
    expect(parseAppendOnlyFile(whole.subarray(0, whole.length - 3))).toHaveLength(2);
  });
});

describe('the history of a server', () => {
  it('knows tasks that were enqueued one by one and together', () => {
    const { states, commits } = factsOf([
      steps.lease('w1'),
      steps.enqueue('p-0', '1-0'),
      enqueueTogether(['p-1', '2-0'], ['p-2', '3-0']),
      steps.claim('w1', '3-0'),
      steps.complete('w1', 'p-2', '3-0'),
    ]);
    expect([...states]).toEqual([
      ['p-0', 'q'],
      ['p-1', 'q'],
      ['p-2', 'S'],
    ]);
    expect(commits).toMatchObject([{ id: 'p-2', before: { holder: 'w1', ended: false } }]);
  });
});
