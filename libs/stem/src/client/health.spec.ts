import type { ResultBackend } from '../broker/broker.js';
import { MemoryBroker } from '../broker/memory/memory-broker.js';
import type { BeatReport, ProcessReport, WorkerReport } from '../broker/monitor-store.js';
import { BrokerUnavailableError } from '../core/errors.js';
import { newTask, TEST_QUEUE } from '../../../../test/support/new-task.js';
import { checkHealth, type HealthCheck } from './health.js';

const facts = {
  host: 'host',
  pid: 1,
  version: '1.2.3',
  startedAt: 1_000,
  intervalMs: 10_000,
  eventLoopLagMs: { mean: 0, p99: 0 },
  memory: { rssBytes: 2, heapUsedBytes: 1 },
};

const worker = (id: string, changes: Partial<WorkerReport> = {}): WorkerReport => ({
  ...facts,
  kind: 'worker',
  id,
  name: 'worker',
  queues: [TEST_QUEUE],
  paused: [],
  state: 'ready',
  concurrency: 1,
  prefetch: 2,
  running: 0,
  held: 0,
  threads: 0,
  counts: {
    runs: { succeeded: 0, failed: 0, retrying: 0, cancelled: 0, released: 0, 'lease-lost': 0 },
    leasesLost: 0,
    blocks: 0,
  },
  ...changes,
});

const beat = (changes: Partial<BeatReport> = {}): BeatReport => ({
  ...facts,
  kind: 'beat',
  id: 'beat-1',
  isTicking: true,
  dispatched: 0,
  ...changes,
});

let clock: { time: number; now: () => number };
let broker: MemoryBroker;

beforeEach(() => {
  clock = { time: 1_700_000_000_000, now: () => clock.time };
  broker = new MemoryBroker({ clock });
});

const said = (report: ProcessReport): Promise<void> => broker.monitor.beat(report, 600_000);

async function check(
  name: HealthCheck['name'],
  resultBackend?: ResultBackend,
): Promise<HealthCheck | undefined> {
  const subjects = { broker, resultBackend, scheduleStore: broker.schedules };
  const { healthy, checks } = await checkHealth(subjects);
  expect(healthy).toBe(checks.every((one) => one.healthy));
  return checks.find((one) => one.name === name);
}

async function schedule(dueInMs: number): Promise<void> {
  const at = clock.time + dueInMs;
  const next = { dueAt: at, fireAt: at };
  await broker.schedules.put({ id: 's', version: 0, definition: '{}', override: undefined, next });
}

describe('the check of the broker', () => {
  it('says how long it took, or why it has no answer', async () => {
    expect(await check('broker')).toEqual({
      name: 'broker',
      healthy: true,
      latencyMs: expect.any(Number),
    });
    broker.listQueues = () => Promise.reject(new BrokerUnavailableError('it is gone'));
    expect(await check('broker')).toMatchObject({ healthy: false, reason: 'it is gone' });
  });

  it('is joined by one of the result backend, where there is one', async () => {
    expect(await check('result-backend')).toBeUndefined();
    const get = () => Promise.reject(new BrokerUnavailableError('it is full'));
    const backend = { get } as unknown as ResultBackend;
    expect(await check('result-backend', backend)).toMatchObject({
      healthy: false,
      reason: 'it is full',
    });
  });
});

describe('the check of the workers', () => {
  it('wants one that is alive', async () => {
    expect(await check('workers')).toMatchObject({ healthy: false });
    await said(worker('a'));
    expect(await check('workers')).toEqual({ name: 'workers', healthy: true });
    clock.time += 29_000;
    expect(await check('workers')).toMatchObject({ healthy: true });
    clock.time += 2_000;
    expect(await check('workers')).toMatchObject({
      healthy: false,
      reason: 'No worker is alive; the last heartbeat came 31s ago.',
    });
  });

  it('wants that none says that it takes no tasks', async () => {
    await said(worker('a'));
    await said(worker('b', { illness: { reason: 'No claim was answered', since: 1 } }));
    expect(await check('workers')).toMatchObject({
      healthy: false,
      reason: 'Worker b takes no tasks: No claim was answered.',
    });
  });

  it('wants that tasks do not wait in queues that nobody serves', async () => {
    await said(worker('a', { queues: ['other'] }));
    await broker.enqueue([newTask(broker, { delayMs: 60_000 })]);
    expect(await check('workers')).toMatchObject({ healthy: true });
    await broker.enqueue([newTask(broker)]);
    expect(await check('workers')).toMatchObject({
      healthy: false,
      reason: `Tasks wait in queues that no worker serves: '${TEST_QUEUE}' (1 ready).`,
    });
    await broker.pauseQueue(TEST_QUEUE);
    expect(await check('workers')).toMatchObject({ healthy: true });
  });
});

describe('the check of Beat', () => {
  it('asks for none where there are no schedules', async () => {
    expect(await check('beat')).toMatchObject({ healthy: true });
  });

  it('wants one that is alive and ticking, where there are some', async () => {
    await schedule(60_000);
    expect(await check('beat')).toMatchObject({
      healthy: false,
      reason: expect.stringMatching(/no Beat/),
    });
    await said(beat({ isTicking: false, reason: 'it cannot reach the store' }));
    expect(await check('beat')).toMatchObject({
      healthy: false,
      reason: 'Beat does not tick: it cannot reach the store',
    });
    await said(beat({ id: 'beat-2' }));
    expect(await check('beat')).toEqual({ name: 'beat', healthy: true });
  });

  it('wants that no schedule is overdue, whatever Beats say', async () => {
    await said(beat());
    await schedule(1_000);
    clock.time += 10_000;
    expect(await check('beat')).toMatchObject({ healthy: true });
    clock.time += 30_000;
    await said(beat());
    expect(await check('beat')).toMatchObject({
      healthy: false,
      reason: "Schedule 's' has been due for 39s.",
    });
  });
});
