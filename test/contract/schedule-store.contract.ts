import type { Broker, EnqueueOutcome } from '../../libs/stem/src/broker/broker.js';
import {
  PENDING_RECOVERY_MS,
  type ScheduleChange,
  type ScheduleRecord,
  type ScheduleStore,
  type Tick,
  type TickOutcome,
  type TickRun,
} from '../../libs/stem/src/broker/schedule-store.js';
import { tickTaskId } from '../../libs/stem/src/core/task-id.js';
import { newTask, type NewTaskOptions, TEST_QUEUE } from '../support/new-task.js';
import { claimOne, death, LONG_MS, soon, success } from './broker-harness.js';

/** What the contract suite has to know of a store of schedules. */
export interface ScheduleStoreHarness {
  /** Whether the queues live beside the schedules. */
  readonly together: boolean;
  createStore(): Promise<TestScheduleStore>;
}

export interface TestScheduleStore {
  /** Where the tasks live; the same for all stores. */
  readonly broker: Broker;
  /** Another store on the same schedules, connected, as another process would have it. */
  connect(): Promise<ScheduleStore>;
  /** Lets `ms` pass on the store's clock. */
  advance(ms: number): Promise<void>;
  close(): Promise<void>;
}

const HOUR_MS = 3_600_000;

/** What every store of schedules promises. */
export function scheduleStoreContract(name: string, harness: ScheduleStoreHarness): void {
  describe(name, () => {
    let stage: TestScheduleStore;
    let store: ScheduleStore;
    let other: ScheduleStore;
    let start: number;

    beforeEach(async () => {
      stage = await harness.createStore();
      store = await stage.connect();
      other = await stage.connect();
      start = await store.now();
    });

    afterEach(async () => {
      await store.close();
      await other.close();
      await stage.close();
    });

    const put = (id: string, change: Partial<ScheduleChange> = {}) =>
      store.put({
        id,
        version: 0,
        definition: `{"of":"${id}"}`,
        override: undefined,
        next: { dueAt: start, fireAt: start },
        ...change,
      });
    const read = async (id: string): Promise<ScheduleRecord> => {
      const record = await store.find(id);
      if (!record) throw new Error(`No schedule ${id}`);
      return record;
    };
    /** A tick of what is kept, an hour before the next. */
    const tickOf = (
      { id, version, next }: ScheduleRecord,
      run: (Partial<TickRun> & { options?: NewTaskOptions }) | 'none' = {},
      change: Partial<Tick> = {},
    ): Tick => {
      const dueAt = next?.dueAt ?? 0;
      const following = { dueAt: dueAt + HOUR_MS, fireAt: dueAt + HOUR_MS };
      if (run === 'none') {
        return { id, version, dueAt, next: following, missed: 1, run: undefined, ...change };
      }
      const { options, ...rest } = run;
      return {
        id,
        version,
        dueAt,
        next: following,
        missed: 0,
        run: {
          dueAt,
          plannedAt: dueAt,
          task: newTask(stage.broker, { id: tickTaskId(0, id, dueAt), ...options }),
          unlessActive: false,
          previous: 'other',
          ...rest,
        },
        ...change,
      };
    };
    /** Carries one tick out, through to the broker. */
    const fire = async (by: ScheduleStore, tick: Tick): Promise<TickOutcome> => {
      const [outcome] = await by.fire([tick]);
      if (!outcome) throw new Error('There was no outcome');
      if (outcome.outcome === 'pending' && tick.run) {
        const { task } = tick.run;
        const [{ id }] = (await stage.broker.enqueue([task])) as [EnqueueOutcome];
        await by.settle([{ id: tick.id, taskId: task.id, accepted: id === task.id }]);
      }
      return outcome;
    };
    const fired = harness.together ? 'enqueued' : 'pending';
    const queued = async (): Promise<number> => (await stage.broker.queueStats(TEST_QUEUE)).queued;
    const dueIds = async (offset = 0, limit = 100): Promise<string[]> =>
      (await store.due({ offset, limit })).records.map(({ id }) => id);

    describe('keeping schedules', () => {
      it('returns what was put, in every process', async () => {
        expect(await put('a', { override: 'paused' })).toBe('stored');
        expect(await other.find('a')).toEqual({
          id: 'a',
          definition: '{"of":"a"}',
          version: 1,
          override: 'paused',
          next: { dueAt: start, fireAt: start },
          createdAt: expect.any(Number),
          updatedAt: expect.any(Number),
          runs: 0,
          failures: 0,
          skipped: 0,
          missed: 0,
          lastDueAt: undefined,
          lastFiredAt: undefined,
          lastDriftMs: undefined,
          lastTaskId: undefined,
          error: undefined,
          pending: undefined,
        });
      });

      it('keeps the first of two who put at the same time', async () => {
        const outcomes = await Promise.all([
          put('a', { definition: '"one"' }),
          other.put({
            id: 'a',
            version: 0,
            definition: '"two"',
            override: undefined,
            next: undefined,
          }),
        ]);
        expect(outcomes.sort()).toEqual(['conflict', 'stored']);
      });

      it('refuses a change of what was changed meanwhile', async () => {
        await put('a');
        expect(await put('a', { version: 1, definition: '"second"' })).toBe('stored');
        expect(await put('a', { version: 1, definition: '"third"' })).toBe('conflict');
        expect(await read('a')).toMatchObject({ version: 2, definition: '"second"' });
      });

      it('keeps history and next tick over a change that leaves them alone', async () => {
        await put('a');
        await fire(store, tickOf(await read('a')));
        await put('a', { version: 1, definition: '"new"', next: 'keep' });
        expect(await read('a')).toMatchObject({
          runs: 1,
          definition: '"new"',
          next: { dueAt: start + HOUR_MS, fireAt: start + HOUR_MS },
        });
      });

      it('refuses to put a tick that was carried out before', async () => {
        await put('a');
        await fire(store, tickOf(await read('a')));
        const again = { dueAt: start, fireAt: start };
        expect(await put('a', { version: 1, next: again })).toBe('conflict');
      });

      it('lists pages in the order of the ids', async () => {
        for (const id of ['b', 'd', 'a', 'c']) await put(id, { next: undefined });
        const ids = async (after: string | undefined, limit: number) =>
          (await store.list({ after, limit })).map(({ id }) => id);
        expect(await ids(undefined, 3)).toEqual(['a', 'b', 'c']);
        expect(await ids('c', 3)).toEqual(['d']);
        expect(await ids('d', 3)).toEqual([]);
      });

      it('removes a schedule with its history, once', async () => {
        await put('a');
        await fire(store, tickOf(await read('a')));
        expect(await store.remove('a', 7)).toBe(false);
        expect(await store.remove('a', 1)).toBe(true);
        expect(await store.remove('a')).toBe(false);
        expect(await store.find('a')).toBeUndefined();
        expect(await dueIds()).toEqual([]);
        await put('a', { next: undefined });
        expect(await read('a')).toMatchObject({ runs: 0, version: 1 });
      });

      it('keeps any characters of ids and definitions', async () => {
        const id = 'täglich um 2: "a\'b" \\ %s';
        const definition = JSON.stringify({ text: 'ü\u2028\n\t"\\', n: 1.5 });
        await put(id, { definition });
        expect(await read(id)).toMatchObject({ id, definition });
      });
    });

    describe('what is due', () => {
      it('comes in the order of its time, and not before it', async () => {
        await put('late', { next: { dueAt: start, fireAt: start } });
        await put('early', { next: { dueAt: start - 5, fireAt: start - 5 } });
        const soonAt = start + HOUR_MS;
        await put('soon', { next: { dueAt: soonAt, fireAt: soonAt } });
        await put('paused', { next: undefined });

        const due = await store.due({ offset: 0, limit: 10 });
        expect(due.records.map(({ id }) => id)).toEqual(['early', 'late']);
        expect(due.nextAt).toBe(soonAt);
        expect(due.now).toBeGreaterThanOrEqual(start);
      });

      it('goes by when it is to be carried out, not by the tick alone', async () => {
        await put('a', { next: { dueAt: start, fireAt: start + 150 } });
        expect(await dueIds()).toEqual([]);
        await stage.advance(151);
        expect(await dueIds()).toEqual(['a']);
      });

      it('comes in pages', async () => {
        for (let n = 0; n < 5; n++) {
          await put(`s${n}`, { next: { dueAt: start - 9 + n, fireAt: start - 9 + n } });
        }
        expect(await dueIds(0, 2)).toEqual(['s0', 's1']);
        expect(await dueIds(4, 2)).toEqual(['s4']);
      });

      it('says that nothing is to come when nothing is', async () => {
        expect(await store.due({ offset: 0, limit: 10 })).toMatchObject({
          records: [],
          nextAt: undefined,
        });
      });
    });

    describe('a tick', () => {
      it('becomes one task and moves the schedule on', async () => {
        await put('a');
        const tick = tickOf(await read('a'));
        const outcome = await fire(store, tick);

        expect(outcome).toEqual({ outcome: fired, driftMs: expect.any(Number) });
        expect(await stage.broker.find(tickTaskId(0, 'a', start))).toMatchObject({
          state: 'queued',
        });
        expect(await read('a')).toMatchObject({
          runs: 1,
          next: { dueAt: start + HOUR_MS },
          lastDueAt: start,
          lastTaskId: tickTaskId(0, 'a', start),
          lastFiredAt: expect.any(Number),
          lastDriftMs: expect.any(Number),
        });
        expect(await dueIds()).toEqual([]);
      });

      it('is carried out by one of many who try at once', async () => {
        await put('a');
        const record = await read('a');
        const outcomes = await Promise.all(
          [store, other, store, other, store].map((by) => fire(by, tickOf(record))),
        );
        expect(outcomes.map(({ outcome }) => outcome).sort()).toEqual(
          [fired, 'moved', 'moved', 'moved', 'moved'].sort(),
        );
        expect(await queued()).toBe(1);
        expect((await read('a')).runs).toBe(1);
      });

      it('stays one task when its record is already forgotten', async () => {
        await put('a');
        const record = await read('a');
        await fire(store, tickOf(record));
        const consumer = await stage.broker.openConsumer({
          worker: 'worker',
          queues: [TEST_QUEUE],
          leaseMs: LONG_MS,
        });
        await consumer.complete(await claimOne(consumer), success({ ttlMs: 0 }));
        expect(await fire(other, tickOf(record))).toEqual({ outcome: 'moved' });
        expect(await queued()).toBe(0);
        await consumer.close();
      });

      it('is overtaken by a change of the schedule, a pause and a removal', async () => {
        await put('changed');
        await put('paused');
        await put('removed');
        const ticks = [];
        for (const id of ['changed', 'paused', 'removed']) ticks.push(tickOf(await read(id)));
        await put('changed', { version: 1, next: 'keep' });
        await put('paused', { version: 1, override: 'paused', next: undefined });
        await store.remove('removed');

        const outcomes = await store.fire(ticks);
        expect(outcomes).toEqual([
          { outcome: 'moved' },
          { outcome: 'moved' },
          { outcome: 'moved' },
        ]);
        expect(await queued()).toBe(0);
      });

      it('that is the last one finishes the schedule', async () => {
        await put('a');
        await fire(store, tickOf(await read('a'), {}, { next: undefined }));
        expect(await read('a')).toMatchObject({ runs: 1, next: undefined });
        expect(await dueIds()).toEqual([]);
      });

      it('that came too late only moves the schedule on', async () => {
        await put('a');
        expect(await fire(store, tickOf(await read('a'), 'none', { missed: 3 }))).toEqual({
          outcome: 'skipped',
          because: 'missed',
          taskId: undefined,
        });
        expect(await read('a')).toMatchObject({ runs: 0, missed: 3, lastFiredAt: undefined });
        expect(await queued()).toBe(0);
      });

      it('has its drift counted from when it was planned', async () => {
        await put('a');
        await stage.advance(50);
        await fire(store, tickOf(await read('a'), { plannedAt: start + 20 }));
        const { lastDriftMs = 0, lastFiredAt = 0 } = await read('a');
        expect(lastDriftMs).toBe(lastFiredAt - start - 20);
        expect(lastDriftMs).toBeGreaterThanOrEqual(30);
      });

      it('of many is carried out for itself', async () => {
        const ticks = [];
        for (let n = 0; n < 250; n++) {
          await put(`s${n}`);
          ticks.push(tickOf(await read(`s${n}`)));
        }
        await fire(other, ticks[7] as Tick);
        const outcomes = await store.fire(ticks);
        expect(outcomes.filter(({ outcome }) => outcome === fired)).toHaveLength(249);
        expect(outcomes[7]).toEqual({ outcome: 'moved' });
      });

      it('carries options of its task along', async () => {
        await put('a');
        const options = { priority: 7, expiresInMs: LONG_MS, headers: { tenant: 'x' } };
        await fire(store, tickOf(await read('a'), { options }));
        expect(await stage.broker.find(tickTaskId(0, 'a', start))).toMatchObject({
          priority: 7,
          headers: { tenant: 'x' },
        });
      });

      it('gives way to a unique task that is there', async () => {
        await put('a');
        await put('b');
        const unique = { unique: { key: 'only one' } };
        await fire(store, tickOf(await read('a'), { options: unique }));
        await fire(store, tickOf(await read('b'), { options: unique }));
        expect(await queued()).toBe(1);
        expect(await read('a')).toMatchObject({ runs: 1, skipped: 0 });
        expect(await read('b')).toMatchObject({
          runs: 0,
          skipped: 1,
          next: { dueAt: start + HOUR_MS },
        });
      });
    });

    describe('the run before', () => {
      /** The state of the last task, as a Beat would pass it on. */
      const previous = async (record: ScheduleRecord): Promise<TickRun['previous']> => {
        const { lastTaskId } = record;
        if (lastTaskId === undefined) return 'other';
        if (store.holdsTask(lastTaskId)) return 'ask';
        const state = (await stage.broker.find(lastTaskId))?.state;
        if (state === 'failed') return 'failed';
        return state === 'queued' || state === 'running' ? 'active' : 'other';
      };
      const fireNext = async (unlessActive: boolean): Promise<TickOutcome> => {
        const record = await read('a');
        return fire(store, tickOf(record, { unlessActive, previous: await previous(record) }));
      };

      it('keeps a tick from running as long as it is not over, where asked to', async () => {
        await put('a');
        const consumer = await stage.broker.openConsumer({
          worker: 'worker',
          queues: [TEST_QUEUE],
          leaseMs: LONG_MS,
        });
        expect((await fireNext(true)).outcome).toBe(fired);
        expect(await fireNext(true)).toEqual({
          outcome: 'skipped',
          because: 'overlap',
          taskId: tickTaskId(0, 'a', start),
        });
        const delivery = await claimOne(consumer);
        expect((await fireNext(true)).outcome).toBe('skipped');
        await consumer.complete(delivery, success());
        expect((await fireNext(true)).outcome).toBe(fired);
        expect((await fireNext(false)).outcome).toBe(fired);
        expect(await read('a')).toMatchObject({ runs: 3, skipped: 2, failures: 0 });
        await consumer.close();
      });

      it('counts as a failure when it ended as one', async () => {
        await put('a');
        const consumer = await stage.broker.openConsumer({
          worker: 'worker',
          queues: [TEST_QUEUE],
          leaseMs: LONG_MS,
        });
        await fireNext(false);
        await consumer.fail(await claimOne(consumer), death());
        await fireNext(false);
        expect(await read('a')).toMatchObject({ runs: 2, failures: 1 });
        await consumer.close();
      });

      it('may have been enqueued by hand', async () => {
        await put('a');
        const task = newTask(stage.broker);
        await stage.broker.enqueue([task]);
        await store.noteTask('a', task.id);
        expect(await fireNext(true)).toMatchObject({ because: 'overlap', taskId: task.id });
        await store.noteTask('nobody', task.id);
        expect(await store.find('nobody')).toBeUndefined();
      });
    });

    describe('a tick that fails', () => {
      const fault = async (id: string, change: object = {}) => {
        const { version, next } = await read(id);
        return store.fault({
          id,
          version,
          dueAt: next?.dueAt ?? 0,
          message: 'no such task',
          next: { dueAt: start + HOUR_MS, fireAt: start + HOUR_MS },
          ...change,
        });
      };

      it('is shown, and the schedule goes on', async () => {
        await put('a');
        expect(await fault('a')).toBe('noted');
        expect(await read('a')).toMatchObject({
          failures: 1,
          error: { message: 'no such task', at: expect.any(Number) },
          next: { dueAt: start + HOUR_MS },
        });
        expect(await dueIds()).toEqual([]);
      });

      it('is noted once, and not after somebody carried it out', async () => {
        await put('a');
        const record = await read('a');
        await fire(other, tickOf(record));
        expect(
          await store.fault({
            id: 'a',
            version: 1,
            dueAt: start,
            message: 'late',
            next: undefined,
          }),
        ).toBe('moved');
        expect(await read('a')).toMatchObject({ failures: 0, error: undefined });
      });

      it('is forgotten with the first one that works', async () => {
        await put('a');
        await fault('a');
        await fire(store, tickOf(await read('a')));
        expect(await read('a')).toMatchObject({ failures: 1, error: undefined, runs: 1 });
      });

      it('can be looked at again later', async () => {
        await put('a');
        expect(await fault('a', { next: undefined, retryInMs: 120 })).toBe('noted');
        expect(await read('a')).toMatchObject({ failures: 1, next: { dueAt: start } });
        expect(await dueIds()).toEqual([]);
        await stage.advance(121);
        expect(await dueIds()).toEqual(['a']);
        await fault('a', { next: undefined, retryInMs: 120 });
        expect((await read('a')).failures).toBe(1);
      });
    });

    describe('whoever waits', () => {
      it('is told when something becomes due earlier than all before', async () => {
        await put('later', { next: { dueAt: start + HOUR_MS, fireAt: start + HOUR_MS } });
        let told = 0;
        let tell!: () => void;
        const heard = new Promise<void>((resolve) => (tell = resolve));
        const end = await other.watch(() => {
          told++;
          tell();
        });
        await put('earlier', { next: { dueAt: start + 1_000, fireAt: start + 1_000 } });
        await soon(heard);
        end();
        expect(told).toBeGreaterThanOrEqual(1);
      });
    });

    if (harness.together) return;
    describe('a task that lives elsewhere', () => {
      it('is kept until it is seen to be accepted, and blocks the next tick', async () => {
        await put('a');
        const tick = tickOf(await read('a'));
        expect(await store.fire([tick])).toMatchObject([{ outcome: 'pending' }]);

        const left = await read('a');
        expect(JSON.parse(left.pending ?? '')).toMatchObject({ id: tick.run?.task.id });
        expect(left).toMatchObject({ runs: 0, next: { dueAt: start + HOUR_MS } });
        expect(await store.fire([tickOf(left)])).toEqual([{ outcome: 'moved' }]);

        await store.settle([{ id: 'a', taskId: tick.run?.task.id ?? '', accepted: true }]);
        expect(await read('a')).toMatchObject({ runs: 1, pending: undefined });
        await store.settle([{ id: 'a', taskId: tick.run?.task.id ?? '', accepted: true }]);
        expect((await read('a')).runs).toBe(1);
      });

      it('is due for somebody else when whoever had it is gone', async () => {
        await put('a');
        await store.fire([tickOf(await read('a'), {}, { next: undefined })]);
        expect(await dueIds()).toEqual([]);
        const { nextAt = 0, now } = await store.due({ offset: 0, limit: 1 });
        expect(nextAt - now).toBeLessThanOrEqual(PENDING_RECOVERY_MS);
        expect(nextAt).toBeGreaterThan(now);
        const { lastTaskId = '' } = await read('a');
        await store.settle([{ id: 'a', taskId: lastTaskId, accepted: true }]);
        expect((await store.due({ offset: 0, limit: 1 })).nextAt).toBeUndefined();
      });

      it('keeps its place over a change of the schedule', async () => {
        await put('a');
        await store.fire([tickOf(await read('a'))]);
        await put('a', { version: 1, next: undefined });
        const { nextAt, now } = await store.due({ offset: 0, limit: 1 });
        expect((nextAt ?? Infinity) - now).toBeLessThanOrEqual(PENDING_RECOVERY_MS);
      });
    });
  });
}

/** What a broker promises for tasks that are numbered in a sequence. */
export function sequenceContract(name: string, createBroker: () => Promise<Broker>): void {
  describe(`${name}, tasks in a sequence`, () => {
    it('are accepted in growing order only, even when no record is left', async () => {
      const broker = await createBroker();
      const enqueue = async (number: number, key = 'k'): Promise<boolean | undefined> => {
        const id = tickTaskId(0, key, number);
        const task = newTask(broker, { id, sequence: { key, number } });
        return (await broker.enqueue([task]))[0]?.created;
      };
      expect(await enqueue(5)).toBe(true);
      const consumer = await broker.openConsumer({
        worker: 'worker',
        queues: [TEST_QUEUE],
        leaseMs: LONG_MS,
      });
      await consumer.complete(await claimOne(consumer), success({ ttlMs: 0 }));
      expect(await enqueue(5)).toBe(false);
      expect(await enqueue(4)).toBe(false);
      expect(await enqueue(6)).toBe(true);
      expect(await enqueue(1, 'another')).toBe(true);
      await consumer.close();
      await broker.close();
    });
  });
}
