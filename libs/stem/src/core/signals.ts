import type { ControlCommandName } from './control.js';
import type { TaskFailure } from './failure.js';
import type { TaskLogger } from './task-context.js';

/** The task a signal is about. */
export interface SignalledTask {
  readonly id: string;
  readonly name: string;
  readonly queue: string;
  readonly args: unknown;
  readonly headers: Readonly<Record<string, string>>;
  readonly attempt: number;
}

/** The worker a signal is about. */
export interface SignalledWorker {
  /** The consumer id: the worker's name plus a boot id. */
  readonly id: string;
  readonly name: string;
  readonly queues: readonly string[];
}

/** The tick of a schedule that a signal is about. */
export interface SignalledTick {
  readonly scheduleId: string;
  /** When it was due, before any jitter. */
  readonly scheduledFor: Date;
}

/** Payload of every signal, by name. Listed in the order in which a task meets them. */
export interface SignalPayloads {
  /** About to be sent to the broker. */
  beforeTaskPublish: { task: SignalledTask };
  /** Accepted by the broker; `created` is false when a claim returned an existing task. */
  afterTaskPublish: { task: SignalledTask; created: boolean };
  /** Claimed by a worker. */
  taskReceived: { task: SignalledTask; worker: SignalledWorker };
  /** The handler is about to be called. */
  taskPrerun: { task: SignalledTask; worker: SignalledWorker };
  taskSucceeded: {
    task: SignalledTask;
    worker: SignalledWorker;
    result: unknown;
    durationMs: number;
  };
  /** Dead-lettered. */
  taskFailed: {
    task: SignalledTask;
    worker: SignalledWorker;
    error: unknown;
    failure: TaskFailure;
    reason: string;
    durationMs: number;
  };
  /** An attempt failed; another follows. */
  taskRetry: {
    task: SignalledTask;
    worker: SignalledWorker;
    error: unknown;
    failure: TaskFailure;
    delayMs: number;
    durationMs: number;
  };
  /** Ended on request while it ran. */
  taskRevoked: { task: SignalledTask; worker: SignalledWorker; reason: string; durationMs: number };
  /** The attempt is over, however it ended. */
  taskPostrun: {
    task: SignalledTask;
    worker: SignalledWorker;
    outcome: 'succeeded' | 'failed' | 'retrying' | 'cancelled' | 'released' | 'lease-lost';
    durationMs: number;
  };
  workerInit: { worker: SignalledWorker };
  workerReady: { worker: SignalledWorker };
  workerStopping: { worker: SignalledWorker; mode: string };
  workerShutdown: { worker: SignalledWorker };
  workerHeartbeat: { worker: SignalledWorker; running: number; held: number };
  /** This process found a tick due. Others may have found the same one; a single one dispatches it. */
  scheduleEntryDue: SignalledTick & { task: SignalledTask };
  /** The tick's task was accepted, by this process. */
  scheduleEntryDispatched: SignalledTick & { task: SignalledTask; driftMs: number };
  /** The tick could not become a task; the schedule goes on with the next one. */
  scheduleEntryFailed: SignalledTick & { error: unknown };
  /** A worker of this process was told something; it is about to do it. */
  controlCommandReceived: {
    worker: SignalledWorker;
    command: ControlCommandName;
    args: Readonly<Record<string, unknown>>;
  };
  /** It has done it, or has refused to, and has answered. */
  controlCommandCompleted: {
    worker: SignalledWorker;
    command: ControlCommandName;
    status: 'ok' | 'error';
    error: string | undefined;
  };
}

/** Name of a signal. */
export type SignalName = keyof SignalPayloads;

/** Called with the payload; a promise it returns is awaited before the next listener is called. */
export type SignalListener<N extends SignalName> = (payload: SignalPayloads[N]) => unknown;

/** Narrows a listener to some of the signals. */
export interface SignalFilter {
  /** Only signals about tasks of this name. */
  readonly task?: string;
}

interface Entry {
  readonly listener: (payload: never) => unknown;
  readonly filter: SignalFilter;
}

/**
 * Tells listeners what happens. A listener that throws is logged and changes nothing.
 *
 * Nothing is built or awaited for a signal without listeners: callers ask {@link has} first.
 */
export class SignalBus {
  readonly #entries = new Map<SignalName, Entry[]>();
  readonly #log: Pick<TaskLogger, 'error'>;
  #underWay = 0;

  constructor(log: Pick<TaskLogger, 'error'>) {
    this.#log = log;
  }

  /** Adds a listener; call what it returns to remove it. */
  on<N extends SignalName>(
    name: N,
    listener: SignalListener<N>,
    filter: SignalFilter = {},
  ): () => void {
    const entry: Entry = { listener: listener, filter };
    this.#entries.set(name, [...(this.#entries.get(name) ?? []), entry]);
    return () => {
      const left = (this.#entries.get(name) ?? []).filter((other) => other !== entry);
      if (left.length) this.#entries.set(name, left);
      else this.#entries.delete(name);
    };
  }

  /** Whether anybody listens. */
  has(name: SignalName): boolean {
    return this.#entries.has(name);
  }

  /** Whether no listener is at work. */
  get isQuiet(): boolean {
    return this.#underWay === 0;
  }

  /** Calls the listeners one after the other, in the order in which they were added. Never rejects. */
  async emit<N extends SignalName>(name: N, payload: SignalPayloads[N]): Promise<void> {
    this.#underWay++;
    try {
      for (const { listener, filter } of this.#entries.get(name) ?? []) {
        if (filter.task !== undefined && taskNameOf(payload) !== filter.task) continue;
        try {
          await listener(payload as never);
        } catch (error) {
          this.#log.error(`A listener of ${name} threw: ${describe(error)}`);
        }
      }
    } finally {
      this.#underWay--;
    }
  }
}

function taskNameOf(payload: object): string | undefined {
  return (payload as { task?: SignalledTask }).task?.name;
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
