import type { Broker } from '../broker/broker.js';
import {
  type ControlCommandName,
  type ControlCommands,
  STOP_MODES,
  type StopMode,
  type WorkerInspection,
  type WorkerPing,
  type WorkerQueues,
  type WorkerRevocation,
  type WorkerShutdown,
  type WorkerStats,
} from '../core/control.js';
import { type Duration, MAX_TIMER_MS, parseDuration } from '../core/duration.js';
import { StemConfigError } from '../core/errors.js';
import { faultInName } from '../core/names.js';
import { requireCount } from '../core/task-options.js';
import { askWorkers, type KnownWorker, type WorkerReply } from './ask-workers.js';

/** Which workers a command is for, and how long to wait for them. */
export interface WorkerAddress {
  /** Ids or names of workers; a name may be that of several. Default: all of them. */
  readonly worker?: string | readonly string[];
  /** How long to wait for answers. Default `2s`. */
  readonly timeout?: Duration;
}

/** Options of {@link WorkerControl.inspect}. */
export interface InspectOptions extends WorkerAddress {
  /** At most so many tasks of each worker. Default 1000. */
  readonly limit?: number;
}

/** Options of {@link WorkerControl.pause} and {@link WorkerControl.resume}. */
export interface WorkerQueuesOptions extends WorkerAddress {
  readonly queues: string | readonly string[];
}

/** Options of {@link WorkerControl.shutdown}. */
export interface WorkerShutdownOptions extends WorkerAddress {
  /** Default `warm`: running tasks may end. */
  readonly mode?: StopMode;
}

/** Options of {@link WorkerControl.revoke}. */
export interface RevokeOptions extends WorkerAddress {
  /** Ids of tasks. */
  readonly ids: string | readonly string[];
  /** Whether isolated handlers may be killed, instead of only being told by `ctx.signal`. */
  readonly terminate?: boolean;
  /** Shown to whoever waits for the tasks. Default `revoked on request`. */
  readonly reason?: string;
}

/** What a {@link WorkerControl} works with. */
export interface WorkerControlParts {
  readonly broker: Broker;
  /** The workers that are known, from their heartbeats. */
  readonly known: () => Promise<readonly KnownWorker[]>;
  /** How long the record of a revoked task is kept. */
  readonly resultTtlMs: number;
}

const DEFAULT_INSPECT_LIMIT = 1_000;
const MAX_INSPECT_LIMIT = 10_000;
/** Most ids and names in one command. */
const MAX_IDS = 1_000;
/** A worker's id is longer than its name. */
const MAX_TEXT_LENGTH = 300;

/**
 * Tells workers in all processes to do something, and collects their answers.
 *
 * Every call resolves to one reply for each addressed worker: those known by their heartbeats, whether
 * they answered or not, and any other that answered. It takes no longer than its `timeout`, and returns
 * as soon as everybody known to be alive has answered.
 *
 * Every call throws a `StemConfigError` for an option that cannot be used or a broker without a control
 * bus, and a `BrokerUnavailableError` when the command could not be sent.
 */
export class WorkerControl {
  readonly #parts: WorkerControlParts;

  constructor(parts: WorkerControlParts) {
    this.#parts = parts;
  }

  /** Asks workers whether they are there. */
  ping(options: WorkerAddress = {}): Promise<WorkerReply<WorkerPing>[]> {
    return this.#ask('ping', {}, options);
  }

  /** Asks workers what they are doing, and what they have done. */
  stats(options: WorkerAddress = {}): Promise<WorkerReply<WorkerStats>[]> {
    return this.#ask('stats', {}, options);
  }

  /** Asks workers for the tasks in their hands. */
  async inspect(options: InspectOptions = {}): Promise<WorkerReply<WorkerInspection>[]> {
    const { limit = DEFAULT_INSPECT_LIMIT } = options;
    return this.#ask(
      'inspect',
      { limit: requireCount(limit, 'limit', 1, MAX_INSPECT_LIMIT) },
      options,
    );
  }

  /**
   * Lets workers take nothing more from some queues, until they are resumed or restarted; what they have
   * not started goes back. Other workers go on: see `stem.queues.pause` for all of them.
   */
  async pause(options: WorkerQueuesOptions): Promise<WorkerReply<WorkerQueues>[]> {
    return this.#ask('pause', { queues: texts(options.queues, 'queues') }, options);
  }

  /** Lets workers take tasks from queues again. A queue that is paused for all workers stays so. */
  async resume(options: WorkerQueuesOptions): Promise<WorkerReply<WorkerQueues>[]> {
    return this.#ask('resume', { queues: texts(options.queues, 'queues') }, options);
  }

  /**
   * Stops workers. A process that is nothing but a worker (`stem worker start`) ends then; in an
   * application, the rest of it goes on. They answer before they stop.
   */
  async shutdown(options: WorkerShutdownOptions = {}): Promise<WorkerReply<WorkerShutdown>[]> {
    const { mode = 'warm' } = options;
    if (!STOP_MODES.includes(mode)) {
      throw new StemConfigError({
        option: 'mode',
        value: mode,
        expected: `one of ${STOP_MODES.join(', ')}`,
      });
    }
    return this.#ask('shutdown', { mode }, options);
  }

  /**
   * Cancels tasks, wherever they are: those that wait end at once, and the workers that hold one are
   * told to stop it and answer which of them they hold. With `worker`, only those workers are told, and
   * tasks elsewhere go on.
   */
  async revoke(options: RevokeOptions): Promise<WorkerReply<WorkerRevocation>[]> {
    const { terminate = false, reason = 'revoked on request' } = options;
    const ids = texts(options.ids, 'ids');
    return this.#ask('revoke', { ids, terminate, reason }, options, async () => {
      if (options.worker !== undefined) return;
      const request = { reason, terminate, ttlMs: this.#parts.resultTtlMs };
      await Promise.all(ids.map((id) => this.#parts.broker.cancel(id, request)));
    });
  }

  async #ask<C extends ControlCommandName>(
    command: C,
    args: ControlCommands[C]['args'],
    { worker, timeout = '2s' }: WorkerAddress,
    afterSending?: () => Promise<void>,
  ): Promise<WorkerReply<ControlCommands[C]['answer']>[]> {
    const { broker, known } = this.#parts;
    const timeoutMs = parseDuration(timeout, 'timeout', { minMs: 1, maxMs: MAX_TIMER_MS });
    const workers = worker === undefined ? undefined : texts(worker, 'worker');
    if (!broker.control) {
      throw new StemConfigError({
        option: 'broker',
        value: broker.description,
        expected: 'one by which workers can be talked to: this one has no control bus',
      });
    }
    return askWorkers(broker.control, { command, args, workers, timeoutMs, known, afterSending });
  }
}

function texts(given: string | readonly string[], option: string): readonly string[] {
  const list: readonly unknown[] = typeof given === 'string' ? [given] : given;
  if (!Array.isArray(list) || list.length === 0 || list.length > MAX_IDS) {
    throw new StemConfigError({
      option,
      value: given,
      expected: `a text, or a list of 1 to ${MAX_IDS} of them`,
    });
  }
  for (const one of list) {
    const fault = faultInName(one, MAX_TEXT_LENGTH);
    if (fault)
      throw new StemConfigError({ option, value: one, expected: `a text that is ${fault}` });
  }
  return list as readonly string[];
}
