import type { Progress } from '../../broker.js';
import type { RedisDelivery } from '../redis-delivery.js';
import type { ScriptCaller } from './script-caller.js';

/** Registers a consumer under a lease; returns the server's time. */
export function openConsumer(
  scripts: ScriptCaller,
  request: { consumer: string; leaseMs: number; worker: string; queues: readonly string[] },
): Promise<number> {
  const { consumer, leaseMs, worker, queues } = request;
  const registration = JSON.stringify({ worker, queues });
  return scripts.call('open-consumer', [consumer, leaseMs, registration, ...queues]);
}

/** `renew`; returns the server's time. */
export function renew(
  scripts: ScriptCaller,
  consumer: string,
  leaseMs: number,
): Promise<number | 'lease-lost'> {
  return scripts.call('renew', [consumer, leaseMs]);
}

/**
 * Gives back what the server says the consumer holds beyond `held`; returns how many. Nothing may be
 * claimed until it is answered: it may be carried out late, and then knows nothing of that.
 */
export function reconcile(
  scripts: ScriptCaller,
  consumer: string,
  queues: readonly string[],
  held: readonly RedisDelivery[],
): Promise<number | 'lease-lost'> {
  return scripts.call('reconcile', [
    consumer,
    queues.length,
    ...queues,
    ...held.flatMap(({ queue, priority, entry }) => [queue, priority, entry]),
  ]);
}

/** Requests to stop any of these tasks, as JSON. */
export function checkCancels(scripts: ScriptCaller, ids: readonly string[]): Promise<string[]> {
  return scripts.call('check-cancels', ids);
}

/** Gives everything back and takes the consumer off the register; returns how many tasks. */
export function closeConsumer(
  scripts: ScriptCaller,
  consumer: string,
  queues: readonly string[],
): Promise<number> {
  return scripts.call('close-consumer', [consumer, ...queues]);
}

/** Keeps the latest progress of running tasks. */
export function reportProgress(
  scripts: ScriptCaller,
  consumer: string,
  reports: readonly { delivery: RedisDelivery; progress: Progress; ttlMs: number }[],
): Promise<1 | 'lease-lost'> {
  return scripts.call('progress', [
    consumer,
    ...reports.flatMap(({ delivery, progress, ttlMs }) => [
      delivery.queue,
      delivery.priority,
      delivery.entry,
      delivery.envelope.id,
      JSON.stringify(progress),
      ttlMs,
    ]),
  ]);
}
