import type { Broker } from '../../broker/broker.js';
import type { ConnectionLimits } from '../../broker/broker-config.js';
import {
  createBroker,
  createResultBackend,
  createScheduleStore,
} from '../../broker/create-broker.js';
import { StemClient } from '../../client/stem-client.js';
import { StemConfig } from '../../config/environment.js';
import { resolveStemOptions } from '../../config/resolve-options.js';
import type { ResolvedStemConfig } from '../../config/resolved-config.js';
import { SignalBus } from '../../core/signals.js';
import type { TaskLogger } from '../../core/task-context.js';
import { TaskObservers } from '../../core/task-observer.js';
import { TaskRegistry } from '../../core/task-registry.js';
import { Monitor } from '../../monitor/monitor.js';
import { usageError } from '../framework/cli-error.js';
import type { GlobalOptions } from '../framework/global-options.js';
import { note } from '../output/print.js';
import { connectionOptions } from './connection-options.js';
import type { Session } from './session.js';

/** An operator waits for an answer. */
const CONNECT_TIMEOUT = '4s';
/** Nothing is claimed here, so nothing is refused for its size. */
const RECORD_BYTES = 4 * 1_024 * 1_024;
/** Longest time for which the end waits for what is counted. */
const FLUSH_MS = 1_000;

/** What the library would log comes back as the error of the command. */
function loggerOf({ verbose }: GlobalOptions): TaskLogger {
  const say = (message: string): void => {
    if (verbose) note(message);
  };
  return { log: say, debug: () => undefined, warn: say, error: say };
}

/** Opens what the command line and the `STEM_*` variables name, or the Stem of an application. */
export async function openSession(globals: GlobalOptions): Promise<Session> {
  if (globals.app !== undefined) {
    const { openAppSession } = await import('./app-session.js');
    return openAppSession(globals);
  }
  const logger = loggerOf(globals);
  const given = {
    ...connectionOptions(globals),
    worker: false,
    beat: false,
    allowUnknownTasks: true,
    connectTimeout: CONNECT_TIMEOUT,
    logger,
  } as const;
  const config = resolveStemOptions(given);
  if (config.broker.kind !== 'redis') {
    const url = globals.broker ?? StemConfig.fromEnvironment().broker;
    throw usageError(
      url === undefined
        ? 'No broker is named: set STEM_BROKER_URL, or give --broker redis://host:6379.'
        : 'memory:// lives inside the process of an application and cannot be reached from here: ' +
            'set STEM_BROKER_URL, or give --broker redis://host:6379.',
    );
  }
  const limits: ConnectionLimits = {
    namespace: config.namespace,
    commandTimeoutMs: config.commandTimeoutMs,
    connectTimeoutMs: config.connectTimeoutMs,
    onConnectFailure: config.onConnectFailure,
    log: logger,
  };
  const { broker, partitions } = await openBroker(config, limits, globals.partitions);
  const resultBackend =
    config.resultBackend &&
    (await createResultBackend({ ...limits, target: config.resultBackend }));
  const scheduleStore =
    config.scheduleStore &&
    (await createScheduleStore({ ...limits, target: config.scheduleStore }));
  const observers = new TaskObservers(logger);
  // What is enqueued from here counts as well.
  const monitor =
    config.monitor && broker.monitor
      ? new Monitor({
          store: broker.monitor,
          observers,
          log: logger,
          now: () => broker.now(),
          options: config.monitor,
        })
      : undefined;
  const stem = new StemClient({
    observers,
    broker,
    resultBackend,
    scheduleStore: scheduleStore ?? broker.schedules,
    registry: new TaskRegistry(),
    signals: new SignalBus(logger),
    rules: { ...config, partitions },
  });
  const session: Session = {
    stem,
    broker,
    close: async () => {
      await monitor?.stop(FLUSH_MS);
      await Promise.allSettled([broker.close(), resultBackend?.close(), scheduleStore?.close()]);
    },
  };
  try {
    await Promise.all([resultBackend?.connect(), scheduleStore?.connect()]);
  } catch (error) {
    await session.close();
    throw error;
  }
  return session;
}

/**
 * Connects to the broker. Whoever is not told how many partitions there are looks: with too few, tasks
 * would be out of sight.
 */
async function openBroker(
  config: ResolvedStemConfig,
  limits: ConnectionLimits,
  told: number | undefined,
): Promise<{ broker: Broker; partitions: number }> {
  const open = async (partitions: number): Promise<Broker> => {
    const broker = await createBroker({
      ...limits,
      target: config.broker,
      partitions,
      recordBytes: RECORD_BYTES,
    });
    try {
      await broker.connect();
    } catch (error) {
      await broker.close();
      throw error;
    }
    return broker;
  };
  const broker = await open(config.partitions);
  if (told !== undefined) return { broker, partitions: told };
  // A user that may not ask will be told so by what it came for.
  const found = await broker.countPartitions?.().catch(() => 1);
  if (found === undefined || found <= config.partitions) {
    return { broker, partitions: config.partitions };
  }
  await broker.close();
  return { broker: await open(found), partitions: found };
}
