import { metrics, type Meter, trace } from '@opentelemetry/api';
import type { Broker } from '../broker/broker.js';
import type { ScheduleStore } from '../broker/schedule-store.js';
import type { TaskTracer } from '../core/task-tracer.js';
import { VERSION } from '../core/version.js';
import { Gauges } from './gauges.js';
import { observeScheduler } from './scheduler-metrics.js';
import { SpanTracer } from './span-tracer.js';
import { taskMetrics } from './task-metrics.js';
import type { MeasuredWorker, Telemetry, TelemetryParts } from './telemetry.js';

/** Name under which spans and measurements appear. */
const SCOPE = 'nestjs-stem';

/** Traces and measures through whatever SDK the process has registered. */
export class OpenTelemetry implements Telemetry {
  readonly tracer: TaskTracer | undefined;
  readonly #gauges: Gauges | undefined;
  readonly #endings: (() => void)[] = [];

  constructor(parts: TelemetryParts & { readonly traces: boolean; readonly measures: boolean }) {
    const { observers, signals, namespace } = parts;
    const meter: Meter | undefined = parts.measures ? metrics.getMeter(SCOPE, VERSION) : undefined;
    const instruments = meter && taskMetrics(meter);
    if (instruments) this.#endings.push(observers.add(instruments.observer));
    if (meter) {
      this.#gauges = new Gauges(meter, namespace);
      this.#endings.push(...observeScheduler(meter, signals));
    }
    if (parts.traces) {
      const tracer = new SpanTracer({ tracer: trace.getTracer(SCOPE, VERSION), namespace });
      this.tracer = tracer;
      this.#endings.push(observers.add(tracer));
    }
  }

  measureWorker(worker: MeasuredWorker, broker: Pick<Broker, 'queueStats'>): void {
    this.#gauges?.addWorker(worker, broker);
  }

  measureSchedules(store: Pick<ScheduleStore, 'due'>): void {
    this.#gauges?.addSchedules(store);
  }

  close(): void {
    this.#gauges?.close();
    for (const end of this.#endings.splice(0)) end();
  }
}
