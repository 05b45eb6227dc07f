import { setTimeout as delay } from 'node:timers/promises';
import type { MonitorBatch, MonitorStore } from '../broker/monitor-store.js';
import { countField, readCountField } from '../core/count-fields.js';
import { BrokerUnavailableError } from '../core/errors.js';
import type { ObservedRun } from '../core/task-observer.js';
import type { RunOutcome } from '../core/worker-status.js';
import { BatchSender } from './batch-sender.js';
import { EventRecorder } from './event-recorder.js';
import { MetricsRecorder, OTHERS } from './metrics-recorder.js';

const WORKER = { id: 'worker-1', name: 'worker', queues: ['default'] };

function run(changes: Partial<ObservedRun> = {}): ObservedRun {
  return {
    id: 'id',
    name: 'task',
    queue: 'default',
    attempt: 0,
    headers: {},
    startedAt: 5_000,
    waitedMs: 20,
    durationMs: 3,
    ...changes,
  };
}

describe('MetricsRecorder', () => {
  const make = () => {
    let firsts = 0;
    const recorder = new MetricsRecorder(() => firsts++);
    return { recorder, firsts: () => firsts };
  };
  const sumOf = (counts: Map<string, number>, what: 'run' | 'wait'): number =>
    [...counts].reduce((sum, [text, count]) => {
      const field = readCountField(text)?.what;
      return sum + (typeof field === 'object' && field.of === what ? count : 0);
    }, 0);

  it('counts per task and queue, and begins anew when its counts are taken', () => {
    const { recorder, firsts } = make();
    expect(recorder.take().size).toBe(0);
    recorder.enqueued(run());
    for (const outcome of ['succeeded', 'succeeded', 'retrying', 'failed', 'cancelled'] as const) {
      recorder.started(run());
      recorder.ended(run(), WORKER, outcome);
    }
    recorder.enqueued(run({ queue: 'other' }));
    const counts = recorder.take();
    const of = (name: Parameters<typeof countField>[0], queue = 'default') =>
      counts.get(countField(name, 'task', queue));
    expect(of('enqueued')).toBe(1);
    expect(of('enqueued', 'other')).toBe(1);
    expect(of('started')).toBe(5);
    expect(of('succeeded')).toBe(2);
    expect(of('retried')).toBe(1);
    expect(of('failed')).toBe(1);
    expect(of('cancelled')).toBe(1);
    expect(sumOf(counts, 'run')).toBe(5);
    expect(sumOf(counts, 'wait')).toBe(5);
    expect(firsts()).toBe(1);

    expect(recorder.take().size).toBe(0);
    recorder.enqueued(run());
    expect(firsts()).toBe(2);
    expect(recorder.take()).toEqual(new Map([[countField('enqueued', 'task', 'default'), 1]]));
  });

  it('counts no end where there was none', () => {
    const { recorder } = make();
    for (const outcome of ['released', 'lease-lost'] as const) {
      recorder.ended(run(), WORKER, outcome);
    }
    expect(recorder.take().size).toBe(0);
  });

  it('is bounded however many tasks there are', () => {
    const { recorder } = make();
    for (let n = 0; n < 5_000; n++) recorder.enqueued(run({ name: `task-${n}` }));
    const counts = recorder.take();
    expect(counts.size).toBeLessThanOrEqual(1_001);
    expect(counts.get(countField('enqueued', OTHERS, OTHERS))).toBe(4_000);
  });
});

describe('EventRecorder', () => {
  const make = (capacity = 3) => {
    let now = 10_000;
    return new EventRecorder({ now: () => now++, capacity, onFirst: () => undefined });
  };
  const end = (
    recorder: EventRecorder,
    outcome: RunOutcome,
    reason?: string,
    error?: unknown,
  ): void => recorder.ended(run(), WORKER, outcome, reason, error);

  it('tells what happened, to which task, where and why', () => {
    const recorder = make(10);
    const task = { id: 'id', name: 'task', queue: 'default', attempt: 0 };
    recorder.enqueued(run());
    recorder.started(run(), WORKER);
    end(recorder, 'retrying', undefined, new Error('no luck'));
    end(recorder, 'failed', 'retries-exhausted', new Error('x'.repeat(1_000)));
    end(recorder, 'cancelled', 'not needed');
    const events = recorder.take();
    expect(events).toMatchObject([
      { type: 'task-enqueued', at: 10_000, task },
      { type: 'task-started', at: 5_000, task, worker: 'worker-1' },
      { type: 'task-retried', task, worker: 'worker-1', durationMs: 3, reason: 'no luck' },
      { type: 'task-failed', reason: expect.stringMatching(/^retries-exhausted: x{10,}…$/) },
      { type: 'task-cancelled', reason: 'not needed' },
    ]);
    expect(events[3]?.reason?.length).toBe(300);
    expect(recorder.take()).toEqual([]);
  });

  it('leaves out the usual before what tells of trouble, and says how many', () => {
    const recorder = make(3);
    for (let n = 0; n < 10; n++) {
      recorder.enqueued(run());
      recorder.started(run(), WORKER);
      end(recorder, 'succeeded');
    }
    for (let n = 0; n < 5; n++) end(recorder, 'failed', 'unrecoverable');
    const types = recorder.take().map(({ type, count }) => (count ? `${type} ${count}` : type));
    expect(types).toEqual([
      'task-enqueued',
      'task-started',
      'task-succeeded',
      'task-failed',
      'task-failed',
      'task-failed',
      'events-skipped 29',
    ]);
    recorder.enqueued(run());
    expect(recorder.take().map(({ type }) => type)).toEqual(['task-enqueued']);
  });

  it('keeps many in the order in which they came, whatever their kind, again and again', () => {
    const recorder = make(3_000);
    for (let round = 0; round < 2; round++) {
      for (let n = 0; n < 1_000; n++) {
        const one = run({ id: `${round}-${n}`, startedAt: 1_796_000_000_000 + n, attempt: n % 3 });
        recorder.started(one, WORKER);
        recorder.ended(one, WORKER, n % 7 === 0 ? 'failed' : 'succeeded', undefined, undefined);
      }
      const events = recorder.take();
      expect(events.map(({ task, type }) => `${task?.id} ${type}`)).toEqual(
        Array.from({ length: 1_000 }, (_, n) => [
          `${round}-${n} task-started`,
          `${round}-${n} task-${n % 7 === 0 ? 'failed' : 'succeeded'}`,
        ]).flat(),
      );
      expect(events[1_000]).toEqual({
        type: 'task-started',
        at: 1_796_000_000_500,
        task: { id: `${round}-500`, name: 'task', queue: 'default', attempt: 2 },
        worker: 'worker-1',
      });
    }
  });
});

describe('BatchSender', () => {
  /** A store that may be away, and answers late or never. */
  class FlakyStore {
    readonly recorded: MonitorBatch[] = [];
    calls = 0;
    isAway = false;
    answer: Promise<void> = Promise.resolve();

    record = async (batch: MonitorBatch): Promise<void> => {
      this.calls++;
      await this.answer;
      if (this.isAway) throw new BrokerUnavailableError('away');
      this.recorded.push(batch);
    };
  }

  const make = (take: () => number, intervalMs = 10) => {
    const store = new FlakyStore();
    const lines: string[] = [];
    const say = (line: string): void => void lines.push(line);
    const sender = new BatchSender({
      store: store as unknown as MonitorStore,
      log: { log: say, warn: say, error: say, debug: say },
      intervalMs,
      countsKeptMs: 1_000,
      eventsKept: 100,
      take: () => {
        const count = take();
        return { counts: new Map(count > 0 ? [['field', count]] : []), events: [] };
      },
    });
    return { store, sender, lines };
  };
  const total = ({ recorded }: FlakyStore): number =>
    recorded.reduce((sum, { counts }) => sum + (counts.get('field') ?? 0), 0);

  /** What is counted between two calls, as a recorder has it. */
  const counter = () => {
    let pending = 0;
    return {
      count: (n: number) => (pending += n),
      take: () => {
        const taken = pending;
        pending = 0;
        return taken;
      },
    };
  };

  it('sends once for everything that came in an interval, and nothing of its own accord', async () => {
    const { count, take } = counter();
    const { store, sender } = make(take, 20);
    await delay(60);
    expect(store.calls).toBe(0);
    count(1);
    sender.arm();
    count(2);
    sender.arm();
    await delay(80);
    expect(store.recorded.map(({ number, counts }) => [number, counts.get('field')])).toEqual([
      [1, 3],
    ]);
    await sender.stop(100);
  });

  it('loses nothing and counts nothing twice in an outage, however long', async () => {
    const { count, take } = counter();
    const { store, sender, lines } = make(take);
    store.isAway = true;
    for (let n = 0; n < 200; n++) {
      count(1);
      await sender.flush();
    }
    expect(store.recorded).toEqual([]);
    store.isAway = false;
    await sender.flush();
    await sender.flush();
    expect(total(store)).toBe(200);
    const numbers = store.recorded.map(({ number }) => number);
    expect(numbers).toEqual(numbers.map((_, index) => index + 1));
    expect(numbers.length).toBeLessThan(30);
    expect(new Set(store.recorded.map(({ source }) => source)).size).toBe(1);
    expect(lines).toHaveLength(1);
    await sender.stop(100);
  });

  it('sends again what was not answered, under the same number', async () => {
    const { count, take } = counter();
    const { store, sender } = make(take);
    const record = store.record;
    const tried: MonitorBatch[] = [];
    store.record = async (batch) => {
      tried.push(batch);
      if (tried.length === 1) throw new BrokerUnavailableError('lost the answer');
      await record(batch);
    };
    count(1);
    await sender.flush();
    await sender.flush();
    expect(tried).toHaveLength(2);
    expect(tried[1]).toBe(tried[0]);
    await sender.stop(100);
  });

  it('cuts what is too much for one call into pieces', async () => {
    const store = new FlakyStore();
    const fields = Array.from({ length: 1_200 }, (_, n) => [`field-${n}`, 1] as const);
    const events = Array.from({ length: 250 }, (_, at) => ({ type: 'task-started' as const, at }));
    let isTaken = false;
    const sender = new BatchSender({
      store: store as unknown as MonitorStore,
      log: console,
      intervalMs: 10,
      countsKeptMs: 1_000,
      eventsKept: 100,
      take: () => {
        const first = !isTaken;
        isTaken = true;
        return { counts: new Map(first ? fields : []), events: first ? events : [] };
      },
    });
    await sender.flush();
    expect(store.recorded).toHaveLength(3);
    expect(new Map(store.recorded.flatMap(({ counts }) => [...counts])).size).toBe(1_200);
    expect(store.recorded.flatMap((batch) => batch.events)).toEqual(events);
    await sender.stop(100);
  });

  it('sends a last time when it stops, for no longer than it may', async () => {
    const { count, take } = counter();
    const { store, sender } = make(take, 60_000);
    count(1);
    sender.arm();
    await sender.stop(1_000);
    expect(total(store)).toBe(1);

    const stuck = make(take, 60_000);
    stuck.store.answer = new Promise(() => undefined);
    count(1);
    const from = performance.now();
    await stuck.sender.stop(50);
    expect(performance.now() - from).toBeLessThan(1_000);
  });
});
