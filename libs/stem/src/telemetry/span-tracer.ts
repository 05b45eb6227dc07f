import { hostname } from 'node:os';
import {
  type Attributes,
  type Context,
  context,
  isSpanContextValid,
  propagation,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
  type Tracer,
} from '@opentelemetry/api';
import type { SignalledWorker } from '../core/signals.js';
import type { ObservedRun, TaskObserver } from '../core/task-observer.js';
import type { EnqueueTrace, TaskTracer, TracedRun } from '../core/task-tracer.js';
import type { RunOutcome } from '../core/worker-status.js';

/** Names in `meta` by which a task tells where it came from. */
const PARENT_TASK_ID = 'stem.parentTaskId';
const ROOT_TASK_ID = 'stem.rootTaskId';

const TRACEPARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;

/** The spans of a run that is not over. */
interface RunSpans {
  readonly consume: Span;
  readonly execute: Span;
  isExecuted: boolean;
}

/**
 * Spans of tasks: `stem.enqueue` where one is sent; where it runs, `stem.consume` below it, until the
 * broker knows the outcome, and below that `stem.execute.<task>`, which is active while the handler runs.
 * A task's headers carry the trace from one process to the next (W3C trace context).
 */
export class SpanTracer implements TaskTracer, TaskObserver {
  readonly #tracer: Tracer;
  readonly #common: Attributes;
  readonly #runs = new WeakMap<ObservedRun, RunSpans>();

  constructor({ tracer, namespace }: { tracer: Tracer; namespace: string }) {
    this.#tracer = tracer;
    this.#common = { 'stem.namespace': namespace, 'host.name': hostname() };
  }

  enqueueing(name: string, headers: Readonly<Record<string, string>>): EnqueueTrace {
    const active = context.active();
    // A child task has its parent's headers; they count where no span is active, as in a thread.
    const parent = trace.getSpanContext(active) ? active : extract(active, headers);
    const span = this.#tracer.startSpan(
      'stem.enqueue',
      { kind: SpanKind.PRODUCER, attributes: { ...this.#common, 'stem.task': name } },
      parent,
    );
    return {
      headers: inject(trace.setSpan(parent, span), span, headers),
      accepted({ id, queue, priority, created }) {
        span.setAttributes({
          'stem.task.id': id,
          'stem.task.priority': priority,
          'stem.queue': queue,
          'stem.task.created': created,
        });
        span.end();
      },
      failed(error) {
        fail(span, error);
        span.end();
      },
    };
  }

  running<T>(run: TracedRun, worker: SignalledWorker, call: () => T): T {
    const attributes = this.#attributesOf(run, worker);
    // Not the active one: this may be called on the way out of another task's handler.
    const parent = extract(ROOT_CONTEXT, run.headers);
    const options = { kind: SpanKind.CONSUMER, attributes };
    const consume = this.#tracer.startSpan('stem.consume', options, parent);
    const inside = trace.setSpan(parent, consume);
    const execute = this.#tracer.startSpan(`stem.execute.${run.name}`, { attributes }, inside);
    const spans: RunSpans = { consume, execute, isExecuted: false };
    this.#runs.set(run, spans);
    let value: T;
    try {
      value = context.with(trace.setSpan(inside, execute), call);
    } catch (error) {
      executed(spans, error);
      throw error;
    }
    if (isThenable(value)) {
      value.then(
        () => executed(spans, undefined),
        (error: unknown) => executed(spans, error ?? 'rejected'),
      );
    } else {
      executed(spans, undefined);
    }
    return value;
  }

  /** The broker knows the outcome, or the run's time was up before its handler ended. */
  ended(
    run: ObservedRun,
    _worker: SignalledWorker,
    outcome: RunOutcome,
    reason: string | undefined,
    error: unknown,
  ): void {
    const spans = this.#runs.get(run);
    if (!spans) return;
    this.#runs.delete(run);
    const { consume } = spans;
    executed(spans, error);
    consume.setAttributes({
      'stem.outcome': outcome,
      ...(reason === undefined ? {} : { 'stem.reason': reason }),
    });
    if (outcome === 'failed' || outcome === 'lease-lost') {
      consume.setStatus({ code: SpanStatusCode.ERROR, message: reason ?? outcome });
    }
    consume.end();
  }

  #attributesOf(run: TracedRun, worker: SignalledWorker): Attributes {
    const { [PARENT_TASK_ID]: parentId, [ROOT_TASK_ID]: rootId } = run.meta;
    return {
      ...this.#common,
      'stem.task': run.name,
      'stem.task.id': run.id,
      'stem.task.attempt': run.attempt,
      'stem.task.max_retries': run.maxRetries,
      'stem.task.deliveries': run.deliveries,
      'stem.task.priority': run.priority,
      'stem.queue': run.queue,
      'stem.worker.id': worker.id,
      'stem.worker.name': worker.name,
      ...(typeof parentId === 'string' ? { 'stem.parent_task_id': parentId } : {}),
      ...(typeof rootId === 'string' ? { 'stem.root_task_id': rootId } : {}),
    };
  }
}

function executed(spans: RunSpans, error: unknown): void {
  if (spans.isExecuted) return;
  spans.isExecuted = true;
  if (error !== undefined) fail(spans.execute, error);
  spans.execute.end();
}

function fail(span: Span, error: unknown): void {
  const message = error instanceof Error ? error.message : String(error);
  span.recordException(error instanceof Error ? error : message);
  span.setStatus({ code: SpanStatusCode.ERROR, message });
}

/** The given headers and those that carry the trace on. */
function inject(
  inside: Context,
  span: Span,
  headers: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  if (!isSpanContextValid(span.spanContext())) return headers;
  const carried = { ...headers };
  delete carried['traceparent'];
  delete carried['tracestate'];
  propagation.inject(inside, carried);
  if (carried['traceparent'] === undefined) {
    // The SDK was set up without a propagator, or with one of another kind.
    const { traceId, spanId, traceFlags } = span.spanContext();
    carried['traceparent'] = `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`;
  }
  return carried;
}

/** A context in which the sender's span is the parent, if the headers name one. */
function extract(from: Context, headers: Readonly<Record<string, string>>): Context {
  const found = propagation.extract(trace.deleteSpan(from), headers);
  if (trace.getSpanContext(found)) return found;
  const [, traceId, spanId, flags] = TRACEPARENT.exec(headers['traceparent'] ?? '') ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return found;
  const sender = { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true };
  return isSpanContextValid(sender) ? trace.setSpanContext(found, sender) : found;
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | undefined)?.then === 'function';
}
