import { context, metrics, propagation, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';

/** A span as tests look at it; plain, so that it can be printed by another process. */
export interface SeenSpan {
  readonly name: string;
  readonly kind: number;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentId: string | undefined;
  readonly attributes: Record<string, unknown>;
  /** 2 is an error. */
  readonly status: number;
  readonly events: readonly string[];
}

/** A measurement: the value, or the count and sum of a histogram. */
export interface SeenMetric {
  readonly name: string;
  readonly attributes: Record<string, unknown>;
  readonly value: number | { readonly count: number; readonly sum: number };
}

/** Registers the real OpenTelemetry SDK in this process, keeping everything in memory. */
export function startTelemetry(options: { propagator: boolean }): {
  spans(): SeenSpan[];
  metrics(): Promise<SeenMetric[]>;
  stop(): Promise<void>;
} {
  const spanExporter = new InMemorySpanExporter();
  const tracing = new BasicTracerProvider({
    spanProcessors: [new SimpleSpanProcessor(spanExporter)],
  });
  trace.setGlobalTracerProvider(tracing);
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  if (options.propagator) propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  const metricExporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({
    exporter: metricExporter,
    exportIntervalMillis: 3_600_000,
  });
  const metering = new MeterProvider({ readers: [reader] });
  metrics.setGlobalMeterProvider(metering);

  return {
    spans: () =>
      spanExporter.getFinishedSpans().map((span) => ({
        name: span.name,
        kind: span.kind,
        traceId: span.spanContext().traceId,
        spanId: span.spanContext().spanId,
        parentId: span.parentSpanContext?.spanId,
        attributes: { ...span.attributes },
        status: span.status.code,
        events: span.events.map(({ name }) => name),
      })),
    async metrics() {
      metricExporter.reset();
      await reader.forceFlush();
      return metricExporter
        .getMetrics()
        .flatMap(({ scopeMetrics }) => scopeMetrics)
        .flatMap((scope) => scope.metrics)
        .flatMap(({ descriptor, dataPoints }) =>
          dataPoints.map(({ attributes, value }) => ({
            name: descriptor.name,
            attributes: { ...attributes },
            value:
              typeof value === 'number'
                ? value
                : { count: value.count, sum: (value as { sum?: number }).sum ?? 0 },
          })),
        );
    },
    async stop() {
      await Promise.all([tracing.shutdown(), metering.shutdown()]);
      trace.disable();
      context.disable();
      propagation.disable();
      metrics.disable();
    },
  };
}
