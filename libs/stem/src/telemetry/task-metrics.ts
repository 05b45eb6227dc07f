import type { Attributes, Meter } from '@opentelemetry/api';
import type { TaskObserver } from '../core/task-observer.js';

/** Counters and histograms of tasks, fed by an observer. Attributes: `task` and `queue`. */
export function taskMetrics(meter: Meter): { readonly observer: TaskObserver } {
  const counter = (what: string, description: string) =>
    meter.createCounter(`stem.tasks.${what}`, { description, unit: '{task}' });
  const enqueued = counter('enqueued', 'Tasks accepted by the broker');
  const deduplicated = counter(
    'deduplicated',
    'Tasks not created, as one of the same claim exists',
  );
  const started = counter('started', 'Runs of handlers that began');
  const succeeded = counter('succeeded', 'Tasks that succeeded');
  const failed = counter('failed', 'Tasks that gave up and became dead letters');
  const retried = counter('retried', 'Attempts that failed and are followed by another');
  const revoked = counter('revoked', 'Tasks that were cancelled');
  const leaseRenewed = meter.createCounter('stem.lease.renewed', {
    description: 'Renewals of a worker’s lease',
    unit: '{renewal}',
  });
  const replayed = meter.createCounter('stem.replay.count', {
    description: 'Dead letters that were started over',
    unit: '{task}',
  });
  const duration = meter.createHistogram('stem.task.duration', {
    description: 'Time from the call of a handler to its end',
    unit: 'ms',
  });
  return {
    observer: {
      enqueued: (task) => enqueued.add(1, of(task)),
      deduplicated: (task) => deduplicated.add(1, of(task)),
      cancelled: (task) => revoked.add(1, of(task)),
      started: (run) => started.add(1, of(run)),
      ended(run, _worker, outcome) {
        const attributes = of(run);
        duration.record(run.durationMs, attributes);
        if (outcome === 'succeeded') succeeded.add(1, attributes);
        else if (outcome === 'failed') failed.add(1, attributes);
        else if (outcome === 'retrying') retried.add(1, attributes);
        else if (outcome === 'cancelled') revoked.add(1, attributes);
      },
      leaseRenewed: ({ name }) => leaseRenewed.add(1, { worker: name }),
      replayed: (count, queue) => replayed.add(count, queue === undefined ? {} : { queue }),
    },
  };
}

function of({ name, queue }: { readonly name: string; readonly queue: string }): Attributes {
  return { task: name, queue };
}
