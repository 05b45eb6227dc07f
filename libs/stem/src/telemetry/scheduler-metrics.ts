import type { Meter } from '@opentelemetry/api';
import type { SignalBus } from '../core/signals.js';

/** Ticks found due whose end nobody tells of: another process carried them out. */
const MOST_OPEN = 1_000;

/** Counters and histograms of schedules, by `schedule`. Returns what ends them. */
export function observeScheduler(meter: Meter, signals: Pick<SignalBus, 'on'>): (() => void)[] {
  const counter = (what: string, description: string) =>
    meter.createCounter(`stem.scheduler.dispatch.${what}`, { description, unit: '{tick}' });
  const histogram = (what: string, description: string) =>
    meter.createHistogram(`stem.scheduler.${what}`, { description, unit: 'ms' });
  const attempts = counter('attempts', 'Ticks that this process found due');
  const success = counter('success', 'Ticks whose task this process enqueued');
  const failed = counter('failed', 'Ticks that could not become a task');
  const duration = histogram('dispatch.duration', 'Time from finding a tick due to its task');
  const drift = histogram('drift', 'How much later than planned tasks were enqueued');
  const lag = histogram('overdue.lag', 'How late ticks were when they were found due');
  /** When a tick was found due, by the process's monotonic clock. */
  const open = new Map<string, number>();

  return [
    signals.on('scheduleEntryDue', ({ scheduleId, scheduledFor }) => {
      const attributes = { schedule: scheduleId };
      attempts.add(1, attributes);
      lag.record(Math.max(0, Date.now() - scheduledFor.getTime()), attributes);
      if (open.size >= MOST_OPEN) open.delete(open.keys().next().value as string);
      open.set(keyOf(scheduleId, scheduledFor), performance.now());
    }),
    signals.on('scheduleEntryDispatched', ({ scheduleId, scheduledFor, driftMs }) => {
      const attributes = { schedule: scheduleId };
      success.add(1, attributes);
      drift.record(driftMs, attributes);
      const from = open.get(keyOf(scheduleId, scheduledFor));
      if (from !== undefined) duration.record(performance.now() - from, attributes);
      open.delete(keyOf(scheduleId, scheduledFor));
    }),
    signals.on('scheduleEntryFailed', ({ scheduleId, scheduledFor }) => {
      failed.add(1, { schedule: scheduleId });
      open.delete(keyOf(scheduleId, scheduledFor));
    }),
  ];
}

function keyOf(scheduleId: string, scheduledFor: Date): string {
  return `${scheduledFor.getTime()} ${scheduleId}`;
}
