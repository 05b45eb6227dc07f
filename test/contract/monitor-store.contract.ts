import type { Broker } from '../../libs/stem/src/broker/broker.js';
import type {
  MonitorBatch,
  MonitorEvent,
  MonitorStore,
  StoredEvent,
  WorkerReport,
} from '../../libs/stem/src/broker/monitor-store.js';
import { countField } from '../../libs/stem/src/core/count-fields.js';
import { newTask, TEST_QUEUE } from '../support/new-task.js';

/** What the suite has to know of a broker with a monitor store. */
export interface MonitorHarness {
  /** A fresh place that no other test sees. */
  createStore(): Promise<{
    /** Another broker on it, as another process would have it. */
    connect(): Promise<Broker>;
    /** Lets `ms` pass on its clock. */
    advance(ms: number): Promise<void>;
    close(): Promise<void>;
  }>;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

let sources = 0;

function batch(changes: Partial<MonitorBatch> = {}): MonitorBatch {
  return {
    source: `source-${++sources}`,
    number: 1,
    counts: new Map(),
    countsKeptMs: HOUR_MS,
    events: [],
    eventsKept: 1_000,
    ...changes,
  };
}

function events(...ids: number[]): MonitorEvent[] {
  return ids.map((id) => ({
    type: 'task-started',
    at: 1_000 + id,
    task: { id: String(id), name: 'tâche "une"', queue: 'default', attempt: 0 },
    worker: 'worker-1',
  }));
}

const numbersOf = (stored: readonly StoredEvent[]): number[] => stored.map(({ at }) => at - 1_000);

function worker(id: string, changes: Partial<WorkerReport> = {}): WorkerReport {
  return {
    kind: 'worker',
    id,
    name: 'worker',
    queues: ['default', 'files'],
    paused: [],
    state: 'ready',
    host: 'host',
    pid: 1,
    version: '1.2.3',
    startedAt: 1_000,
    intervalMs: 10_000,
    eventLoopLagMs: { mean: 0.5, p99: 12 },
    memory: { rssBytes: 2, heapUsedBytes: 1 },
    concurrency: 10,
    prefetch: 20,
    running: 3,
    held: 7,
    threads: 0,
    counts: {
      runs: { succeeded: 1, failed: 2, retrying: 3, cancelled: 4, released: 5, 'lease-lost': 6 },
      leasesLost: 7,
      blocks: 8,
    },
    ...changes,
  };
}

/** What every store of heartbeats, counts and events must do. */
export function monitorStoreContract(name: string, harness: MonitorHarness): void {
  describe(name, () => {
    let store: Awaited<ReturnType<MonitorHarness['createStore']>>;
    let broker: Broker;
    let monitor: MonitorStore;
    let other: MonitorStore;

    beforeEach(async () => {
      store = await harness.createStore();
      broker = await store.connect();
      monitor = broker.monitor as MonitorStore;
      other = (await store.connect()).monitor as MonitorStore;
    });

    afterEach(() => store.close());

    /** Everything that was counted lately, over all minutes: a test may cross the border of one. */
    async function counted(): Promise<Record<string, number>> {
      const { now, minutes } = await other.counts(broker.now() - 5 * MINUTE_MS);
      const sums: Record<string, number> = {};
      for (const { from, counts } of minutes) {
        expect(from % MINUTE_MS).toBe(0);
        expect(from).toBeLessThanOrEqual(now);
        for (const [field, count] of counts) sums[field] = (sums[field] ?? 0) + count;
      }
      return sums;
    }

    describe('heartbeats', () => {
      const list = async (): Promise<string[]> =>
        (await other.processes()).processes.map(({ report }) => report.id).sort();

      it('are read as they were sent, the last one of each process', async () => {
        await monitor.beat(worker('a', { running: 1 }), HOUR_MS);
        await monitor.beat(worker('a', { running: 2, name: 'wörker "a"' }), HOUR_MS);

        const { now, processes } = await other.processes();
        expect(processes.map(({ report }) => report)).toEqual([
          worker('a', { running: 2, name: 'wörker "a"' }),
        ]);
        const age = now - (processes[0]?.beatAt ?? 0);
        expect(age).toBeGreaterThanOrEqual(0);
        expect(age).toBeLessThan(5_000);
      });

      it('are forgotten when none follows in time, and only then', async () => {
        await monitor.beat(worker('short'), 150);
        await monitor.beat(worker('renewed'), 150);
        await monitor.beat(worker('long'), HOUR_MS);
        expect(await list()).toEqual(['long', 'renewed', 'short']);
        await monitor.beat(worker('renewed'), HOUR_MS);
        await store.advance(200);
        expect(await list()).toEqual(['long', 'renewed']);
      });

      it('are forgotten at once when told so, which may be said twice', async () => {
        await monitor.beat(worker('a'), HOUR_MS);
        await monitor.beat(worker('b'), HOUR_MS);
        await monitor.forget('a');
        await monitor.forget('a');
        expect(await list()).toEqual(['b']);
      });

      it('are none at first', async () => {
        expect((await other.processes()).processes).toEqual([]);
      });
    });

    describe('counts', () => {
      it('of several processes are added up', async () => {
        await monitor.record(batch({ counts: new Map([['one', 2], ['two', 1]]) })); // prettier-ignore
        await other.record(batch({ counts: new Map([['one', 40]]) }));
        expect(await counted()).toEqual({ one: 42, two: 1 });
      });

      it('of a batch that is sent again count once', async () => {
        const first = batch({ counts: new Map([['one', 1]]), events: events(1) });
        const second = { ...first, number: 2, events: events(2) };
        await monitor.record(first);
        await monitor.record(first);
        await monitor.record(second);
        await monitor.record(first);
        expect(await counted()).toEqual({ one: 2 });
        expect(numbersOf(await other.events({ limit: 10 }))).toEqual([1, 2]);
      });

      it('are read from the minutes asked for', async () => {
        await monitor.record(batch({ counts: new Map([['one', 1]]) }));
        const { minutes } = await other.counts(broker.now() + MINUTE_MS);
        expect(minutes).toEqual([]);
      });

      it('may have names of any form', async () => {
        const field = countField('started', 'tâche "é\'\\', 'files d’attente');
        await monitor.record(batch({ counts: new Map([[field, 3]]) }));
        expect(await counted()).toEqual({ [field]: 3 });
      });

      describe('of what no process could count', () => {
        const field = (name: Parameters<typeof countField>[0]): string =>
          countField(name, 'a "task"', TEST_QUEUE);
        const enqueue = async (changes: object = {}): Promise<string> => {
          const task = newTask(broker, { name: 'a "task"', ...changes });
          await broker.enqueue([task]);
          return task.id;
        };
        const request = { reason: 'not needed', terminate: false, ttlMs: 0 };

        it('tell of tasks that are cancelled while they wait', async () => {
          const first = await enqueue();
          const second = await enqueue({ delayMs: HOUR_MS });
          await enqueue();
          await broker.cancel(first, request);
          await broker.cancel(first, request);
          await broker.cancel(second, request);
          expect(await counted()).toEqual({ [field('cancelled')]: 2 });
          expect(await broker.purgeQueue(TEST_QUEUE)).toBe(1);
          expect(await counted()).toEqual({ [field('cancelled')]: 3 });
        });

        it('tell of tasks that expire', async () => {
          await enqueue({ expiresInMs: 20 });
          await store.advance(40);
          await broker.settleDue(TEST_QUEUE);
          expect(await counted()).toEqual({ [field('expired')]: 1 });
        });

        it('tell of tasks that are lost with their worker', async () => {
          const open = () =>
            broker.openConsumer({ worker: 'w', queues: [TEST_QUEUE], leaseMs: 30 });
          const take = async (): Promise<void> => {
            const consumer = await open();
            const claim = await consumer.claim(1);
            expect(claim).toMatchObject({ outcome: 'claimed', deliveries: [{}] });
            await store.advance(60);
            await broker.reclaim({ maxLosses: 2 });
            await consumer.close();
          };
          await enqueue();
          await take();
          expect(await counted()).toEqual({ [field('leaseLost')]: 1 });
          await take();
          expect(await counted()).toEqual({ [field('leaseLost')]: 2, [field('failed')]: 1 });
        });

        it('leave out what a worker ends', async () => {
          await enqueue();
          const consumer = await broker.openConsumer({
            worker: 'w',
            queues: [TEST_QUEUE],
            leaseMs: HOUR_MS,
          });
          const claim = await consumer.claim(1);
          if (claim.outcome !== 'claimed' || !claim.deliveries[0])
            throw new Error('nothing claimed');
          await consumer.abandon(claim.deliveries[0], { reason: 'told', startedAt: 1, ttlMs: 0 });
          await consumer.close();
          expect(await counted()).toEqual({});
        });
      });
    });

    describe('events', () => {
      it('are read as they were recorded, over batches and processes', async () => {
        await monitor.record(batch({ events: events(1, 2) }));
        await other.record(batch({ events: events(3) }));
        const found = await other.events({ limit: 10 });
        expect(found.map(({ cursor: _, ...event }) => event)).toEqual(events(1, 2, 3));
        expect(new Set(found.map(({ cursor }) => cursor)).size).toBe(3);
      });

      it('are the latest ones without a cursor, and those after it with one', async () => {
        for (const id of [1, 3, 5]) await monitor.record(batch({ events: events(id, id + 1) }));
        expect(numbersOf(await other.events({ limit: 3 }))).toEqual([4, 5, 6]);
        const all = await other.events({ after: '0', limit: 10 });
        expect(numbersOf(all)).toEqual([1, 2, 3, 4, 5, 6]);
        for (const [index, { cursor }] of all.entries()) {
          const following = await other.events({ after: cursor, limit: 2 });
          expect(numbersOf(following)).toEqual([1, 2, 3, 4, 5, 6].slice(index + 1, index + 3));
        }
      });

      it('are read on from a cursor that is not kept any more', async () => {
        await monitor.record(batch({ events: events(1) }));
        const [first] = await other.events({ limit: 1 });
        for (let id = 2; id <= 40; id++) {
          await monitor.record(batch({ events: events(id), eventsKept: 5 }));
        }
        const kept = await other.events({ after: first?.cursor ?? '', limit: 100 });
        expect(numbersOf(kept)).toEqual([36, 37, 38, 39, 40]);
      });

      it('are bounded by how many are kept, whatever the size of batches', async () => {
        for (let from = 0; from < 300; from += 10) {
          const ids = Array.from({ length: 10 }, (_, index) => from + index);
          await monitor.record(batch({ events: events(...ids), eventsKept: 45 }));
        }
        const kept = numbersOf(await other.events({ after: '0', limit: 1_000 }));
        expect(kept.length).toBeGreaterThanOrEqual(45);
        expect(kept.length).toBeLessThan(60);
        expect(kept.at(-1)).toBe(299);
      });

      it.each(['soon', '9'.repeat(30)])('refuse %p, which is no cursor', async (after) => {
        await expect(other.events({ after, limit: 1 })).rejects.toMatchObject({
          code: 'STEM_CONFIG_INVALID',
          option: 'after',
        });
      });
    });

    describe('a follower of events', () => {
      it('hears what comes, and nothing that was there before', async () => {
        await monitor.record(batch({ events: events(1) }));
        const follower = other.followEvents();
        expect(await follower.next(10)).toEqual([]);
        const heard = follower.next(10_000);
        await monitor.record(batch({ events: events(2, 3) }));
        expect(numbersOf(await heard)).toEqual([2, 3]);
        await monitor.record(batch({ events: events(4) }));
        expect(numbersOf(await follower.next(10_000))).toEqual([4]);
        follower.close();
      });

      it('begins after a cursor', async () => {
        await monitor.record(batch({ events: events(1, 2, 3) }));
        const [first] = await other.events({ after: '0', limit: 1 });
        const follower = other.followEvents(first?.cursor);
        expect(numbersOf(await follower.next(10_000))).toEqual([2, 3]);
        follower.close();
      });

      it('ends the call under way and every later one when it is closed', async () => {
        const follower = other.followEvents();
        const waiting = follower.next(60_000);
        setTimeout(() => follower.close(), 50);
        expect(await waiting).toEqual([]);
        expect(await follower.next(60_000)).toEqual([]);
      });
    });
  });
}
