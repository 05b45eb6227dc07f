import type { Broker } from '../broker/broker.js';
import type { ScheduleStore } from '../broker/schedule-store.js';
import type { SignalBus } from '../core/signals.js';
import type { TaskObservers } from '../core/task-observer.js';
import type { TaskTracer } from '../core/task-tracer.js';

/** What is traced and measured. */
export interface TelemetryParts {
  readonly namespace: string;
  readonly observers: TaskObservers;
  readonly signals: SignalBus;
}

/** A worker whose load is measured. */
export interface MeasuredWorker {
  readonly name: string;
  readonly queues: readonly string[];
  readonly concurrency: number;
  readonly running: number;
}

/** Traces and measures what one Stem does in this process. */
export interface Telemetry {
  /** Absent: spans are not wanted. */
  readonly tracer: TaskTracer | undefined;
  /** Measures the load of a worker and the depth of its queues, whenever measurements are collected. */
  measureWorker(worker: MeasuredWorker, broker: Pick<Broker, 'queueStats'>): void;
  /** Counts what is due, whenever measurements are collected. */
  measureSchedules(store: Pick<ScheduleStore, 'due'>): void;
  /** Measures nothing more. */
  close(): void;
}
