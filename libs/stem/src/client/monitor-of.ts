import type { Broker } from '../broker/broker.js';
import type { MonitorStore } from '../broker/monitor-store.js';
import { StemConfigError } from '../core/errors.js';

/**
 * Where a broker keeps heartbeats, counts and events.
 *
 * @param what names the call in the error.
 * @throws {StemConfigError} when it keeps none.
 */
export function monitorOf(broker: Broker, what: string): MonitorStore {
  if (broker.monitor) return broker.monitor;
  throw new StemConfigError({
    option: 'broker',
    value: broker.description,
    expected: `a broker with a MonitorStore in its field 'monitor', to ${what}`,
  });
}
