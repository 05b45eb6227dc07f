import type { Consumer, Delivery } from '../../libs/stem/src/broker/broker.js';
import { MemoryBroker } from '../../libs/stem/src/broker/memory/memory-broker.js';
import { MemoryResultBackend } from '../../libs/stem/src/broker/memory/memory-result-backend.js';
import { type ClientRules, StemClient } from '../../libs/stem/src/client/stem-client.js';
import { SignalBus } from '../../libs/stem/src/core/signals.js';
import { resolveTaskOptions, type TaskOptions } from '../../libs/stem/src/core/task-options.js';
import { TaskRegistry } from '../../libs/stem/src/core/task-registry.js';

/** Where the clock of a stage stands at first. */
export const NOON = Date.UTC(2026, 0, 1, 12);
export const DAY = 86_400_000;

/** A client on a broker of its own, whose clock stands still, that knows `email.send`. */
export function setup(rules: Partial<ClientRules> = {}) {
  const clock = { at: NOON, now: () => clock.at };
  const broker = new MemoryBroker({ clock });
  const resultBackend = new MemoryResultBackend({ clock });
  const registry = new TaskRegistry();
  const errors: string[] = [];
  const signals = new SignalBus({ error: (message) => void errors.push(message) });
  const know = (name: string, options: TaskOptions = {}): void =>
    registry.register({
      name,
      options: resolveTaskOptions(options, name),
      place: name,
      invoke: () => undefined,
    });
  know('email.send');
  const client = new StemClient({
    broker,
    resultBackend,
    registry,
    signals,
    rules: {
      defaultQueue: 'default',
      allowUnknownTasks: false,
      partitions: 1,
      limits: { argsBytes: 1_000, headersBytes: 300 },
      resultTtlMs: DAY,
      ...rules,
    },
  });
  const openConsumer = (): Promise<Consumer> =>
    broker.openConsumer({
      worker: 'w',
      queues: ['default', 'mail', 'a', 'b'],
      leaseMs: 30_000,
    });
  const claim = async (consumer: Consumer): Promise<Delivery> => {
    const outcome = await consumer.claim(1);
    if (outcome.outcome !== 'claimed' || !outcome.deliveries[0])
      throw new Error('nothing to claim');
    return outcome.deliveries[0];
  };
  return { broker, client, clock, errors, know, openConsumer, claim, resultBackend, signals };
}
