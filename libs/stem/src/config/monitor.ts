import { MAX_TIMER_MS, parseDuration } from '../core/duration.js';
import { requireCount } from '../core/task-options.js';
import { refuseUnknownOptions, requireBoolean, requireObject } from './checks.js';
import { LIMITS } from './limits.js';
import type { ResolvedMonitorOptions } from './resolved-config.js';
import type { MonitorOptions } from './stem-options.js';

const DAY_MS = 86_400_000;

const MONITOR_OPTIONS = Object.keys({
  heartbeats: true,
  metrics: true,
  events: true,
  flushInterval: true,
  metricsKept: true,
  eventsKept: true,
  eventsPerSecond: true,
} satisfies Record<keyof MonitorOptions, true>);

/**
 * Checks and completes what a process tells operators; nothing when it tells nothing.
 *
 * @throws {StemConfigError} naming the option.
 */
export function resolveMonitor(
  monitor: boolean | MonitorOptions = true,
): ResolvedMonitorOptions | undefined {
  if (monitor === false) return undefined;
  if (monitor !== true) {
    requireObject(
      monitor,
      'monitor',
      `true, false or an object with ${MONITOR_OPTIONS.join(', ')}`,
    );
    refuseUnknownOptions(monitor, MONITOR_OPTIONS, 'monitor.');
  }
  const given: MonitorOptions = monitor === true ? {} : monitor;
  return {
    heartbeats: requireBoolean(given.heartbeats ?? true, 'monitor.heartbeats'),
    metrics: requireBoolean(given.metrics ?? true, 'monitor.metrics'),
    events: requireBoolean(given.events ?? true, 'monitor.events'),
    flushIntervalMs: parseDuration(given.flushInterval ?? '2s', 'monitor.flushInterval', {
      minMs: LIMITS.flushInterval,
      maxMs: MAX_TIMER_MS,
    }),
    metricsKeptMs: parseDuration(given.metricsKept ?? '1h', 'monitor.metricsKept', {
      minMs: LIMITS.metricsKept,
      maxMs: DAY_MS,
    }),
    eventsKept: requireCount(
      given.eventsKept ?? 10_000,
      'monitor.eventsKept',
      ...LIMITS.eventsKept,
    ),
    eventsPerSecond: requireCount(
      given.eventsPerSecond ?? 500,
      'monitor.eventsPerSecond',
      ...LIMITS.eventsPerSecond,
    ),
  };
}
