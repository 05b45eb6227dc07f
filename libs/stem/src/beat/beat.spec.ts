import { Beat, PATIENCE_MS } from './beat.js';
import { declareCodeSchedules } from './code-schedules.js';
import { MemoryBroker } from '../broker/memory/memory-broker.js';
import { MemoryScheduleStore } from '../broker/memory/memory-schedule-store.js';
import type { NewTask } from '../broker/broker.js';
import type { ScheduleStore } from '../broker/schedule-store.js';
import { StemClient } from '../client/stem-client.js';
import {
  BrokerCommandError,
  BrokerFullError,
  TaskArgsError,
  UnknownTaskError,
} from '../core/errors.js';
import { SignalBus } from '../core/signals.js';
import { resolveTaskOptions, type TaskOptions } from '../core/task-options.js';
import { TaskRegistry } from '../core/task-registry.js';
import type { ScheduleDefinition } from '../schedule/definition.js';
import { ScheduleError, ScheduleNotFoundError } from '../schedule/schedule-error.js';

const START = Date.UTC(2026, 0, 1, 12, 0, 0);
const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Client and Beats around one broker, on a clock moved by hand. */
class Stage {
  readonly clock = { time: START, now: () => this.clock.time };
  readonly broker: MemoryBroker;
  readonly store: ScheduleStore;
  readonly registry = new TaskRegistry();
  readonly lines: string[] = [];
  readonly log = {
    log: (line: string) => void this.lines.push(`log ${line}`),
    warn: (line: string) => void this.lines.push(`warn ${line}`),
    error: (line: string) => void this.lines.push(`error ${line}`),
    debug: () => undefined,
  };
  readonly signals = new SignalBus(this.log);
  readonly client: StemClient;
  readonly rules = {
    defaultQueue: 'default',
    allowUnknownTasks: false,
    partitions: 1,
    limits: { argsBytes: 10_000, headersBytes: 1_000 },
    resultTtlMs: DAY,
  };
  /** Every task that was created, with when. */
  readonly enqueued: { id: string; at: number; scheduledFor: unknown }[] = [];
  beat: Beat;

  constructor(apart: boolean) {
    this.broker = new MemoryBroker({ clock: this.clock });
    this.store = apart ? new MemoryScheduleStore({ clock: this.clock }) : this.broker.schedules;
    this.client = new StemClient({
      broker: this.broker,
      scheduleStore: this.store,
      registry: this.registry,
      signals: this.signals,
      rules: this.rules,
    });
    this.task('report');
    this.beat = this.newBeat();
    this.signals.on('afterTaskPublish', async ({ task, created }) => {
      if (!created) return;
      const { meta } = (await this.broker.find(task.id)) ?? {};
      this.enqueued.push({
        id: task.id,
        at: this.clock.time,
        scheduledFor: meta?.['stem.scheduledFor'],
      });
    });
  }

  task(name: string, options: TaskOptions = {}): this {
    const invoke = (): undefined => undefined;
    this.registry.register({
      name,
      options: resolveTaskOptions(options, name),
      place: name,
      invoke,
    });
    return this;
  }

  newBeat(registry = this.registry): Beat {
    return new Beat({
      broker: this.broker,
      store: this.store,
      registry,
      signals: this.signals,
      rules: this.rules,
      log: this.log,
      options: { pollIntervalMs: 1_000 },
    });
  }

  upsert(definition: Partial<ScheduleDefinition> = {}): Promise<unknown> {
    return this.client.schedules.upsert({
      id: 'it',
      task: 'report',
      spec: 'every:1m',
      ...definition,
    });
  }

  /** Lets time pass in steps, with a look after each. */
  async pass(ms: number, stepMs = ms): Promise<void> {
    for (let passed = 0; passed < ms; passed += stepMs) {
      this.clock.time += stepMs;
      await this.beat.round();
    }
  }

  /** Lets time pass while no Beat runs, then one looks. */
  async sleep(ms: number): Promise<void> {
    this.clock.time += ms;
    await this.beat.round();
  }

  get(id = 'it') {
    return this.client.schedules.get(id);
  }

  /** Ticks that became tasks, in seconds since the start. */
  ticks(): number[] {
    return this.enqueued.map(
      ({ scheduledFor }) => (Date.parse(String(scheduledFor)) - START) / SECOND,
    );
  }

  declare(...definitions: ScheduleDefinition[]): Promise<void> {
    return this.declareAs('app', ...definitions);
  }

  declareAs(owner: string, ...definitions: ScheduleDefinition[]): Promise<void> {
    const schedules = definitions.map((definition) => ({ definition, place: definition.id }));
    const { store, log } = this;
    return declareCodeSchedules(schedules, { store, owner, handlesTasks: true, log });
  }

  /** Runs every waiting task of a queue to its end. */
  async work(end: 'complete' | 'fail' = 'complete'): Promise<void> {
    const consumer = await this.broker.openConsumer({
      worker: 'w',
      queues: ['default'],
      leaseMs: 60_000,
    });
    const claimed = await consumer.claim(1_000);
    for (const delivery of claimed.outcome === 'claimed' ? claimed.deliveries : []) {
      const startedAt = this.clock.time;
      if (end === 'complete') {
        await consumer.complete(delivery, { result: undefined, startedAt, ttlMs: 0 });
      } else {
        const failure = { name: 'Error', message: 'no' };
        await consumer.fail(delivery, { failure, startedAt, reason: 'unrecoverable' });
      }
    }
    await consumer.close();
  }
}

describe.each([
  ['beside the queues', false],
  ['in a store of their own', true],
])('schedules %s', (_, apart) => {
  let stage: Stage;
  beforeEach(() => (stage = new Stage(apart)));

  describe('ticks', () => {
    it('enqueue the task with everything that was said of it', async () => {
      stage.task('mail', { priority: 3 });
      await stage.upsert({
        task: 'mail',
        args: { to: 'ada' },
        queue: 'letters',
        headers: { tenant: 'x' },
        meta: { from: 'test' },
      });
      await stage.pass(MINUTE);

      const id = stage.enqueued[0]?.id ?? '';
      expect(id).toBe(`0.sched:it:${START + MINUTE}`);
      expect(await stage.broker.find(id)).toMatchObject({
        name: 'mail',
        args: { to: 'ada' },
        queue: 'letters',
        priority: 3,
        headers: { tenant: 'x' },
        meta: {
          from: 'test',
          'stem.scheduleId': 'it',
          'stem.scheduledFor': new Date(START + MINUTE).toISOString(),
        },
      });
    });

    it('come at equal steps however late each is looked at', async () => {
      await stage.upsert({ spec: 'every:1m' });
      for (const lateMs of [0, 900, 10, 4_000, 0]) {
        stage.clock.time += MINUTE - ((stage.clock.time - START) % MINUTE) + lateMs;
        await stage.beat.round();
      }
      expect(stage.ticks()).toEqual([60, 120, 180, 240, 300]);
    });

    it('are told by the store: a Beat learns how long there is nothing to do', async () => {
      expect(await stage.beat.round()).toBeUndefined();
      await stage.upsert({ spec: 'every:1m' });
      expect(await stage.beat.round()).toBe(MINUTE);
      stage.clock.time += 59_999;
      expect(await stage.beat.round()).toBe(1);
      expect(stage.enqueued).toEqual([]);
    });

    it('become one task each, whatever the number of Beats that look at once', async () => {
      await stage.upsert({ spec: 'every:1s' });
      const beats = [stage.beat, stage.newBeat(), stage.newBeat(), stage.newBeat()];
      for (let second = 0; second < 20; second++) {
        stage.clock.time += SECOND;
        await Promise.all(beats.map((beat) => beat.round()));
        await stage.work();
      }
      expect(stage.ticks()).toEqual(Array.from({ length: 20 }, (__, n) => n + 1));
      expect(await stage.get()).toMatchObject({ runs: 20, failures: 0, missed: 0 });
    });

    it('of many schedules come in one look, those of a page and beyond', async () => {
      for (let n = 0; n < 450; n++) await stage.upsert({ id: `s${n}`, spec: 'every:1m' });
      await stage.pass(MINUTE);
      expect(stage.enqueued).toHaveLength(450);
    });

    it('go through the unique claim of their task', async () => {
      stage.task('only', { unique: true });
      await stage.upsert({ task: 'only' });
      await stage.pass(3 * MINUTE, MINUTE);
      expect(stage.ticks()).toEqual([60]);
      expect(await stage.get()).toMatchObject({ runs: 1, skipped: 2 });
      await stage.work();
      await stage.pass(MINUTE);
      expect(stage.ticks()).toEqual([60, 240]);
    });

    it('tell signals of what is due and what was dispatched, with its drift', async () => {
      const heard: string[] = [];
      const at = (date: Date): number => (date.getTime() - START) / SECOND;
      stage.signals.on('scheduleEntryDue', ({ scheduleId, scheduledFor, task }) =>
        heard.push(`due ${scheduleId} ${at(scheduledFor)} ${task.name}`),
      );
      stage.signals.on('beforeTaskPublish', ({ task }) => heard.push(`before ${task.name}`));
      stage.signals.on('afterTaskPublish', ({ task }) => heard.push(`after ${task.name}`));
      stage.signals.on('scheduleEntryDispatched', ({ scheduleId, scheduledFor, driftMs }) =>
        heard.push(`dispatched ${scheduleId} ${at(scheduledFor)} ${driftMs}`),
      );
      await stage.upsert();
      await stage.pass(MINUTE + 70);
      expect(heard).toEqual([
        'due it 60 report',
        'before report',
        'after report',
        'dispatched it 60 70',
      ]);
    });
  });

  describe('jitter', () => {
    it('puts each tick off by its own share, the same for every Beat, and never shifts the rest', async () => {
      await stage.upsert({ spec: 'every:1m', jitter: '20s' });
      await stage.pass(10 * MINUTE, 100);
      expect(stage.ticks()).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9].map((n) => n * 60));
      const delays = stage.enqueued.map(({ at }) => (at - START) % MINUTE);
      expect(Math.max(...delays)).toBeLessThanOrEqual(20_100);
      expect(new Set(delays).size).toBeGreaterThan(4);

      const again = new Stage(apart);
      await again.upsert({ spec: 'every:1m', jitter: '20s' });
      await again.pass(10 * MINUTE, 100);
      expect(again.enqueued.map(({ at }) => at)).toEqual(stage.enqueued.map(({ at }) => at));
      expect((await stage.get())?.lastDriftMs).toBeLessThanOrEqual(100);
    });
  });

  describe('bounds', () => {
    it('keeps to startAt and endAt, both inclusive, and is finished then', async () => {
      await stage.upsert({
        spec: 'every:1m',
        startAt: new Date(START + 90 * SECOND),
        endAt: new Date(START + 210 * SECOND),
      });
      await stage.pass(10 * MINUTE, SECOND);
      expect(stage.ticks()).toEqual([90, 150, 210]);
      expect(await stage.get()).toMatchObject({ state: 'finished', runs: 3, nextRunAt: undefined });
    });

    it('carries a single time out once', async () => {
      await stage.upsert({ spec: { at: new Date(START + 5 * SECOND) } });
      await stage.pass(MINUTE, SECOND);
      expect(stage.ticks()).toEqual([5]);
      expect(await stage.get()).toMatchObject({ state: 'finished', runs: 1 });
      await stage.upsert({ spec: { at: new Date(START + 5 * SECOND) }, args: { n: 2 } });
      await stage.pass(MINUTE, SECOND);
      expect(stage.ticks()).toEqual([5]);
    });

    it('is not delayed by any number of finished ones', async () => {
      for (let n = 0; n < 150; n++) {
        await stage.upsert({ id: `done${n}`, spec: { at: new Date(START + SECOND) } });
      }
      await stage.pass(SECOND);
      await stage.upsert({ spec: 'every:1s' });
      await stage.pass(SECOND);
      expect(await stage.get()).toMatchObject({ runs: 1, lastDriftMs: 0 });
      const { records } = await stage.store.due({ offset: 0, limit: 1_000 });
      expect(records).toEqual([]);
    });

    it('follows the sun, each day anew', async () => {
      await stage.upsert({
        spec: { solar: 'sunset', latitude: 52.52, longitude: 13.4, offset: '-30m' },
      });
      await stage.pass(3 * DAY, MINUTE);
      // Sunsets of an almanac: 15:02, 15:04 and 15:05 UTC; they differ by how refraction is reckoned.
      const expected = ['2026-01-01T14:32Z', '2026-01-02T14:34Z', '2026-01-03T14:35Z'];
      const offByMs = stage.enqueued.map(({ scheduledFor }, day) =>
        Math.abs(Date.parse(String(scheduledFor)) - Date.parse(expected[day] ?? '')),
      );
      expect(offByMs).toHaveLength(3);
      expect(Math.max(...offByMs)).toBeLessThan(2 * MINUTE);
    });
  });

  describe('ticks that come too late', () => {
    const late = async (definition: Partial<ScheduleDefinition>): Promise<number[]> => {
      await stage.upsert({ spec: 'every:1m', ...definition });
      await stage.sleep(10 * MINUTE + 5 * SECOND);
      return stage.ticks();
    };

    it('count as on time within the grace', async () => {
      await stage.upsert({ spec: 'every:1m', misfire: 'skip', grace: '30s' });
      await stage.sleep(90 * SECOND);
      expect(stage.ticks()).toEqual([60]);
      expect(await stage.get()).toMatchObject({ runs: 1, missed: 0 });
    });

    it('are given up with skip, but not those within the grace', async () => {
      expect(await late({ misfire: 'skip', grace: '90s' })).toEqual([540, 600]);
      expect(await stage.get()).toMatchObject({ runs: 2, missed: 8 });
    });

    it('are stood for by one run with once', async () => {
      expect(await late({ misfire: 'once' })).toEqual([600]);
      expect(await stage.get()).toMatchObject({
        runs: 1,
        missed: 9,
        nextRunAt: new Date(START + 11 * MINUTE),
      });
    });

    it('are all made up for with all, in their order', async () => {
      expect(await late({ misfire: 'all' })).toEqual([
        60, 120, 180, 240, 300, 360, 420, 480, 540, 600,
      ]);
      expect(await stage.get()).toMatchObject({ runs: 10, missed: 0 });
    });

    it('are no reason to wait long, however many there are', async () => {
      await stage.upsert({ spec: '* * * * * *', misfire: 'once' });
      const from = performance.now();
      await stage.sleep(30 * DAY);
      expect(stage.ticks()).toEqual([(30 * DAY) / SECOND]);
      expect(performance.now() - from).toBeLessThan(2_000);
    });

    it('are made up for when a single time was slept through', async () => {
      await stage.upsert({ spec: { at: new Date(START + MINUTE) } });
      await stage.sleep(DAY);
      expect(stage.ticks()).toEqual([60]);
    });
  });

  describe('overlap', () => {
    it('skip leaves ticks out while the run before is not over', async () => {
      await stage.upsert({ overlap: 'skip' });
      await stage.pass(3 * MINUTE, MINUTE);
      expect(stage.ticks()).toEqual([60]);
      await stage.work();
      await stage.pass(MINUTE);
      expect(stage.ticks()).toEqual([60, 240]);
      expect(await stage.get()).toMatchObject({ runs: 2, skipped: 2 });
    });

    it('skip counts a run by hand as the run before', async () => {
      await stage.upsert({ overlap: 'skip' });
      const handle = await stage.client.schedules.runNow('it');
      expect(await handle.status()).toMatchObject({ name: 'report', state: 'queued' });
      await stage.pass(MINUTE);
      expect(await stage.get()).toMatchObject({ runs: 0, skipped: 1, lastTaskId: handle.id });
    });

    it('allow lets runs pile up', async () => {
      await stage.upsert();
      await stage.pass(3 * MINUTE, MINUTE);
      expect(stage.ticks()).toEqual([60, 120, 180]);
    });
  });

  describe('history', () => {
    it('tells the last run, the next, how many, and how late', async () => {
      await stage.upsert();
      expect(await stage.get()).toMatchObject({
        state: 'active',
        origin: 'operator',
        nextRunAt: new Date(START + MINUTE),
        lastRunAt: undefined,
        runs: 0,
      });
      await stage.pass(MINUTE + 25);
      expect(await stage.get()).toMatchObject({
        lastRunAt: new Date(START + MINUTE + 25),
        lastScheduledFor: new Date(START + MINUTE),
        lastDriftMs: 25,
        lastRunState: 'queued',
        lastTaskId: `0.sched:it:${START + MINUTE}`,
        nextRunAt: new Date(START + 2 * MINUTE),
        runs: 1,
      });
    });

    it('counts runs that ended as failed', async () => {
      await stage.upsert();
      await stage.pass(MINUTE);
      await stage.work('fail');
      expect(await stage.get()).toMatchObject({ failures: 1, lastRunState: 'failed' });
      await stage.pass(MINUTE);
      expect(await stage.get()).toMatchObject({ failures: 1, lastRunState: 'queued' });
    });
  });

  describe('an operator', () => {
    it('pauses a schedule, and what was due meanwhile is not made up for', async () => {
      await stage.upsert({ misfire: 'all' });
      await stage.client.schedules.pause('it');
      await stage.pass(5 * MINUTE, MINUTE);
      expect(await stage.get()).toMatchObject({
        state: 'paused',
        enabled: false,
        nextRunAt: undefined,
      });
      await stage.client.schedules.resume('it');
      await stage.pass(MINUTE);
      expect(stage.ticks()).toEqual([360]);
    });

    it('changes a spec, which holds from then on', async () => {
      await stage.upsert({ spec: 'every:1m' });
      await stage.pass(MINUTE);
      await stage.upsert({ spec: 'every:10m' });
      await stage.pass(10 * MINUTE, MINUTE);
      expect(stage.ticks()).toEqual([60, 660]);
    });

    it('changes other things, which leaves the next tick where it is', async () => {
      await stage.upsert({ args: { n: 1 } });
      await stage.pass(30 * SECOND);
      await stage.upsert({ args: { n: 2 } });
      await stage.pass(30 * SECOND);
      expect(stage.ticks()).toEqual([60]);
    });

    it('enables what was made disabled', async () => {
      await stage.upsert({ enabled: false });
      await stage.pass(2 * MINUTE, MINUTE);
      expect(await stage.get()).toMatchObject({ state: 'paused' });
      await stage.client.schedules.resume('it');
      await stage.pass(MINUTE);
      expect(stage.ticks()).toEqual([180]);
      await stage.upsert({ enabled: false });
      expect(await stage.get()).toMatchObject({ state: 'paused' });
    });

    it('lists, removes, and is told of what is not there', async () => {
      await stage.upsert({ id: 'b' });
      await stage.upsert({ id: 'a' });
      const { schedules } = stage.client;
      expect((await schedules.list()).map(({ id }) => id)).toEqual(['a', 'b']);
      expect(await schedules.remove('a')).toBe(true);
      expect(await schedules.remove('a')).toBe(false);
      expect(await schedules.get('a')).toBeUndefined();
      await expect(schedules.pause('a')).rejects.toThrow(ScheduleNotFoundError);
      await expect(schedules.runNow('a')).rejects.toThrow(ScheduleNotFoundError);
    });

    it('previews ticks of a spec and of a schedule', async () => {
      const { schedules } = stage.client;
      expect(await schedules.preview('0 2 * * *', { count: 2, timezone: 'Europe/Berlin' })).toEqual(
        [new Date('2026-01-02T01:00:00Z'), new Date('2026-01-03T01:00:00Z')],
      );
      await stage.upsert({ spec: 'every:1h', endAt: new Date(START + 2 * HOUR) });
      expect(await schedules.preview({ id: 'it' })).toEqual([
        new Date(START + HOUR),
        new Date(START + 2 * HOUR),
      ]);
    });
  });

  describe('what cannot work', () => {
    it.each<[string, Partial<ScheduleDefinition>, RegExp]>([
      ['an impossible cron', { spec: '0 0 31 2 *' }, /never due/],
      ['too few fields', { spec: '* * * *' }, /fewer than five fields/],
      ['seven fields', { spec: '* * * * * * *' }, /5 or 6 parts/],
      ['a value out of range', { spec: '60 * * * *' }, /minute/],
      ['a text that is nothing', { spec: 'tomorrow' }, /no cron expression/],
      ['no text', { spec: 5 as never }, /is none; expected a cron/],
      [
        'an unknown zone',
        { spec: '0 2 * * *', timezone: 'Europe/Berln' },
        /did you mean 'Europe\/Berlin'/,
      ],
      ['a short interval', { spec: 'every:500ms' }, /shortest is 1s/],
      ['no interval', { spec: 'every:soon' }, /no usable interval/],
      ['a time that has passed', { spec: { at: new Date(START - DAY) } }, /has passed/],
      ['an invalid date', { spec: { at: new Date('never') } }, /no valid time/],
      [
        'an unknown event',
        { spec: { solar: 'sunrice', latitude: 0, longitude: 0 } as never },
        /did you mean 'sunrise'/,
      ],
      [
        'a place off the earth',
        { spec: { solar: 'noon', latitude: 91, longitude: 0 } },
        /latitude/,
      ],
      ['a field too many', { spec: { every: '5m', cron2: 1 } as never }, /cron2/],
      ['an unknown option', { timezon: 'UTC' } as never, /did you mean 'timezone'/],
      [
        'an end before the first tick',
        { spec: 'every:1h', endAt: new Date(START + 1) },
        /no tick is left/,
      ],
      ['more jitter than interval', { spec: 'every:1m', jitter: '2m' }, /longer than the interval/],
      ['an id with braces', { id: 'a{b}' }, /braces/],
      ['a word for misfire', { misfire: 'never' as never }, /misfire/],
    ])('is refused with the reason: %s', async (__, definition, reason) => {
      const error = await stage.upsert(definition).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(ScheduleError);
      expect((error as Error).message).toMatch(reason);
      expect(await stage.client.schedules.list()).toEqual([]);
    });

    it('is refused as enqueueing it would be', async () => {
      await expect(stage.upsert({ task: 'reprot' })).rejects.toThrow(UnknownTaskError);
      await expect(stage.upsert({ args: { n: 1n } })).rejects.toThrow(TaskArgsError);
      await expect(stage.upsert({ headers: { n: 1 } as never })).rejects.toThrow(TaskArgsError);
      await expect(stage.upsert({ priority: 10 })).rejects.toThrow(/priority/);
      await expect(stage.upsert({ queue: '' })).rejects.toThrow(/queue/);
    });

    it('once it turned bad, is shown as failing and does not stop the others', async () => {
      stage.task('gone');
      await stage.upsert({ id: 'bad', task: 'gone' });
      await stage.upsert({ id: 'good' });
      const after = new TaskRegistry();
      for (const task of stage.registry.list()) if (task.name !== 'gone') after.register(task);
      const failed: unknown[] = [];
      stage.signals.on('scheduleEntryFailed', ({ scheduleId, error }) => {
        failed.push([scheduleId, error]);
      });
      stage.beat = stage.newBeat(after);

      await stage.pass(MINUTE);
      expect(await stage.get('good')).toMatchObject({ runs: 1, lastDriftMs: 0 });
      expect(await stage.get('bad')).toMatchObject({ state: 'active', failures: 0 });
      await stage.pass(PATIENCE_MS);
      expect(await stage.get('bad')).toMatchObject({
        state: 'failing',
        failures: 1,
        lastError: { message: expect.stringMatching(/Unknown task 'gone'/) },
        nextRunAt: new Date(START + 2 * MINUTE),
      });
      expect(failed).toEqual([['bad', expect.any(UnknownTaskError)]]);

      stage.beat = stage.newBeat();
      await stage.pass(MINUTE);
      expect(await stage.get('bad')).toMatchObject({ state: 'active', runs: 1, failures: 1 });
    });

    it('here is left to a Beat that can, as during a deploy', async () => {
      stage.task('new');
      await stage.upsert({ task: 'new' });
      const old = new TaskRegistry();
      stage.beat = stage.newBeat(old);
      await stage.pass(MINUTE);
      await stage.newBeat().round();
      expect(await stage.get()).toMatchObject({ runs: 1, failures: 0, state: 'active' });
      await stage.pass(PATIENCE_MS);
      expect(await stage.get()).toMatchObject({ failures: 0 });
    });

    it('and stands in front does not starve the others', async () => {
      stage.task('gone');
      for (let n = 0; n < 450; n++) await stage.upsert({ id: `bad${n}`, task: 'gone' });
      await stage.upsert({ id: 'zz', spec: 'every:61s' });
      const after = new TaskRegistry();
      for (const task of stage.registry.list()) if (task.name !== 'gone') after.register(task);
      stage.beat = stage.newBeat(after);
      await stage.pass(61 * SECOND);
      expect(await stage.get('zz')).toMatchObject({ runs: 1 });
    });

    it('and cannot be read any more is shown, and does not stop the others', async () => {
      await stage.upsert({ id: 'good' });
      const due = { dueAt: START + MINUTE, fireAt: START + MINUTE };
      for (const definition of [
        'not JSON',
        '{"task":"report"}',
        '{"task":"report","spec":{"kind":"moon"},"anchor":0,"jitterMs":0,"graceMs":0}',
        '{"task":"report","spec":{"kind":"cron","cron":"* * * * *","timezone":"No/Where"},"anchor":0,"jitterMs":0,"graceMs":0}',
      ]) {
        const id = `bad${definition.length}`;
        await stage.store.put({ id, version: 0, definition, override: undefined, next: due });
      }
      await stage.pass(MINUTE);
      expect(await stage.get('good')).toMatchObject({ runs: 1 });
      await stage.pass(PATIENCE_MS);
      const states = (await stage.client.schedules.list()).map(({ id, state }) => [id, state]);
      expect(states.filter(([id]) => id !== 'good').map(([, state]) => state)).toEqual(
        Array(4).fill('failing'),
      );
      await stage.pass(MINUTE);
      expect(await stage.get('good')).toMatchObject({ runs: 2 });
    });

    it('because its queue refuses it does not stop the others', async () => {
      await stage.upsert({ id: 'bad', queue: 'broken' });
      await stage.upsert({ id: 'good' });
      const refuse = (queues: readonly (string | undefined)[]): void => {
        if (queues.includes('broken')) throw new BrokerCommandError('WRONGTYPE');
      };
      const { fire } = stage.store;
      stage.store.fire = async (ticks) => {
        refuse(ticks.map(({ run }) => run?.task.queue));
        return fire.call(stage.store, ticks);
      };
      await stage.pass(MINUTE);
      await stage.pass(PATIENCE_MS);
      expect(await stage.get('good')).toMatchObject({ runs: 1 });
      expect(await stage.get('bad')).toMatchObject({ state: 'failing', runs: 0 });
    });

    it('because the broker is full is carried out once there is room', async () => {
      await stage.upsert({ spec: { at: new Date(START + MINUTE) } });
      const { fire } = stage.store;
      stage.store.fire = () => Promise.reject(new BrokerFullError('OOM'));
      // The loop of the Beat says so, and looks again.
      await expect(stage.pass(MINUTE)).rejects.toThrow('OOM');
      await expect(stage.pass(PATIENCE_MS)).rejects.toThrow('OOM');

      stage.store.fire = fire;
      await stage.pass(SECOND);

      expect(stage.ticks()).toEqual([60]);
    });
  });

  describe('schedules of the code', () => {
    const daily: ScheduleDefinition = { id: 'daily', task: 'report', spec: '0 2 * * *' };
    const hourly: ScheduleDefinition = { id: 'hourly', task: 'report', spec: 'every:1h' };
    const all = async (): Promise<unknown[]> =>
      (await stage.client.schedules.list()).map(({ id, origin, state }) => [id, origin, state]);

    it('are stored, and removed by the deploy that does not have them any more', async () => {
      await stage.declare(daily, hourly);
      await stage.upsert({ id: 'mine' });
      expect(await all()).toEqual([
        ['daily', 'code', 'active'],
        ['hourly', 'code', 'active'],
        ['mine', 'operator', 'active'],
      ]);
      await stage.declare(daily);
      expect(await all()).toEqual([
        ['daily', 'code', 'active'],
        ['mine', 'operator', 'active'],
      ]);
    });

    it('keep history, next tick and version over a deploy that says the same', async () => {
      await stage.declare(hourly);
      await stage.pass(HOUR + 30 * MINUTE);
      const before = await stage.store.find('hourly');
      await stage.declare(hourly);
      expect(await stage.store.find('hourly')).toEqual(before);
      expect(await stage.get('hourly')).toMatchObject({ nextRunAt: new Date(START + 2 * HOUR) });
    });

    it('follow the deploy that started last when two differ', async () => {
      await stage.declare(daily);
      await stage.declare({ ...daily, spec: '0 5 * * *' });
      expect(await stage.get('daily')).toMatchObject({ spec: '0 5 * * *' });
      await stage.declare(daily);
      expect(await stage.get('daily')).toMatchObject({ spec: '0 2 * * *' });
    });

    it('stay paused over every deploy, until they are resumed', async () => {
      await stage.declare(hourly);
      await stage.client.schedules.pause('hourly');
      await stage.declare({ ...hourly, spec: 'every:2h' });
      await stage.declare({ ...hourly, enabled: true });
      await stage.pass(5 * HOUR, HOUR);
      expect(stage.ticks()).toEqual([]);
      await stage.client.schedules.resume('hourly');
      await stage.pass(HOUR);
      expect(stage.ticks()).toHaveLength(1);
    });

    it('leave alone what an operator has made, or made theirs', async () => {
      await stage.upsert({ id: 'daily', spec: '0 7 * * *' });
      await stage.declare(daily);
      expect(await stage.get('daily')).toMatchObject({ spec: '0 7 * * *', origin: 'operator' });
      expect(stage.lines.join()).toMatch(/warn daily is not in effect/);
      await stage.declare();
      expect(await stage.get('daily')).toMatchObject({ spec: '0 7 * * *' });
    });

    it('of other applications are left alone', async () => {
      await stage.declareAs('one', daily);
      await stage.declareAs('other', hourly);
      expect(await all()).toHaveLength(2);
    });

    it('are not removed by a process that handles no task', async () => {
      await stage.declare(daily);
      const { store, log } = stage;
      await declareCodeSchedules([], { store, owner: 'app', handlesTasks: false, log });
      expect(await all()).toHaveLength(1);
    });

    it('may name a time that has passed: they are finished', async () => {
      await stage.declare({ id: 'once', task: 'report', spec: { at: new Date(START - DAY) } });
      expect(await all()).toEqual([['once', 'code', 'finished']]);
    });
  });
});

describe('a Beat that dies between two stores', () => {
  it('leaves a task that another one enqueues, once, after some seconds', async () => {
    const stage = new Stage(true);
    await stage.upsert({ spec: 'every:1h' });
    stage.clock.time += HOUR;
    const { enqueue } = stage.broker;
    stage.broker.enqueue = () => Promise.reject(new Error('killed'));
    await expect(stage.beat.round()).rejects.toThrow('killed');
    stage.broker.enqueue = enqueue;

    await stage.newBeat().round();
    expect((await stage.broker.queueStats('default')).queued).toBe(0);
    await stage.pass(5_000);
    expect((await stage.broker.queueStats('default')).queued).toBe(1);
    expect(await stage.get()).toMatchObject({ runs: 1, nextRunAt: new Date(START + 2 * HOUR) });
  });

  it('leaves no second task when it had enqueued it already, even one that is forgotten', async () => {
    const stage = new Stage(true);
    stage.task('quick', { ignoreResult: true });
    await stage.upsert({ task: 'quick', spec: 'every:1h' });
    stage.clock.time += HOUR;
    const { settle } = stage.store;
    stage.store.settle = () => Promise.reject(new Error('killed'));
    await expect(stage.beat.round()).rejects.toThrow('killed');
    stage.store.settle = settle;
    await stage.work();

    await stage.pass(5_000);
    expect((await stage.broker.queueStats('default')).queued).toBe(0);
    expect(await stage.get()).toMatchObject({ runs: 1 });
  });
});

describe('a Beat that runs', () => {
  const running: Beat[] = [];
  afterEach(async () => {
    for (const beat of running.splice(0)) await beat.stop();
  });

  function realTime(): { stage: Stage; beat: Beat; dispatched: Promise<NewTask['id']> } {
    const stage = new Stage(false);
    stage.clock.now = () => Date.now();
    const beat = new Beat({
      broker: stage.broker,
      store: stage.store,
      registry: stage.registry,
      signals: stage.signals,
      rules: stage.rules,
      log: stage.log,
      options: { pollIntervalMs: 60_000 },
    });
    running.push(beat);
    const dispatched = new Promise<string>((resolve) => {
      stage.signals.on('scheduleEntryDispatched', ({ task }) => resolve(task.id));
    });
    return { stage, beat, dispatched };
  }

  it('wakes up for a schedule that is added while it sleeps', async () => {
    const { stage, beat, dispatched } = realTime();
    beat.start();
    await stage.upsert({ id: 'far', spec: 'every:1d' });
    const at = new Date(Date.now() + 60);
    await stage.upsert({ spec: { at } });
    expect(await dispatched).toBe(`0.sched:it:${at.getTime()}`);
    expect(Date.now() - at.getTime()).toBeLessThan(1_000);
  });

  it('carries on after its store was away, and says so once', async () => {
    const { stage, beat, dispatched } = realTime();
    const { due } = stage.store;
    let calls = 0;
    stage.store.due = (page) =>
      ++calls < 4 ? Promise.reject(new Error('away')) : due.call(stage.store, page);
    await stage.upsert({ spec: { at: new Date(Date.now() + 10) } });
    beat.start();
    await dispatched;
    expect(stage.lines.filter((line) => line.includes('away'))).toHaveLength(1);
    await beat.stop();
    expect(stage.lines).toContain('log Beat carries on.');
  });
});
