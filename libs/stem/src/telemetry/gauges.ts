import type {
  BatchObservableCallback,
  BatchObservableResult,
  Meter,
  Observable,
} from '@opentelemetry/api';
import type { Broker } from '../broker/broker.js';
import type { ScheduleStore } from '../broker/schedule-store.js';
import type { MeasuredWorker } from './telemetry.js';

/** Most due schedules that are counted. */
const MOST_DUE = 1_000;
/** A schedule that is due for longer than this is overdue: Beat looks more often. */
const OVERDUE_MS = 10_000;

/** What is measured when measurements are collected: the load of workers, queues and schedules. */
export class Gauges {
  readonly #meter: Meter;
  readonly #namespace: string;
  readonly #ends: (() => void)[] = [];

  constructor(meter: Meter, namespace: string) {
    this.#meter = meter;
    this.#namespace = namespace;
  }

  addWorker(worker: MeasuredWorker, broker: Pick<Broker, 'queueStats'>): void {
    const namespace = this.#namespace;
    const inflight = this.#gauge('stem.worker.inflight', '{task}', 'Handlers that run');
    const concurrency = this.#gauge('stem.worker.concurrency', '{task}', 'Handlers that may run');
    const depth = this.#gauge('stem.queue.depth', '{task}', 'Tasks ready in the worker’s queues');
    this.#add([inflight, concurrency, depth], async (result) => {
      const attributes = { worker: worker.name, namespace };
      result.observe(inflight, worker.running, attributes);
      result.observe(concurrency, worker.concurrency, attributes);
      const stats = await Promise.all(worker.queues.map((queue) => broker.queueStats(queue)));
      for (const { name, queued } of stats)
        result.observe(depth, queued, { queue: name, namespace });
    });
  }

  addSchedules(store: Pick<ScheduleStore, 'due'>): void {
    const namespace = this.#namespace;
    const due = this.#gauge('stem.scheduler.due.entries', '{schedule}', 'Schedules that are due');
    const overdue = this.#gauge(
      'stem.scheduler.overdue.entries',
      '{schedule}',
      `Schedules that have been due for ${OVERDUE_MS / 1_000} s`,
    );
    this.#add([due, overdue], async (result) => {
      const { now, records } = await store.due({ offset: 0, limit: MOST_DUE });
      const late = records.filter(({ next }) => next && now - next.fireAt > OVERDUE_MS);
      result.observe(due, records.length, { namespace });
      result.observe(overdue, late.length, { namespace });
    });
  }

  close(): void {
    for (const end of this.#ends.splice(0)) end();
  }

  #gauge(name: string, unit: string, description: string): Observable {
    return this.#meter.createObservableGauge(name, { unit, description });
  }

  #add(gauges: Observable[], measure: (result: BatchObservableResult) => Promise<void>): void {
    const callback: BatchObservableCallback = async (result) => {
      // A broker that is away leaves a gap; it is said elsewhere.
      await measure(result).catch(() => undefined);
    };
    this.#meter.addBatchObservableCallback(callback, gauges);
    this.#ends.push(() => this.#meter.removeBatchObservableCallback(callback, gauges));
  }
}
