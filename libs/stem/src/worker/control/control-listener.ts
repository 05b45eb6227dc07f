import { setTimeout as delay } from 'node:timers/promises';
import type { ControlBus, ControlMessage } from '../../broker/control-bus.js';
import type { ControlCommandName, ControlCommands } from '../../core/control.js';
import type { JsonValue } from '../../core/json.js';
import type { SignalBus, SignalledWorker } from '../../core/signals.js';
import type { TaskLogger } from '../../core/task-context.js';
import { COMMAND_ARGS } from './command-args.js';

/** Carries each command out and answers it; what it throws is answered as an error. */
export type CommandHandlers = {
  readonly [C in ControlCommandName]: (
    args: ControlCommands[C]['args'],
  ) => ControlCommands[C]['answer'];
};

/** What a {@link ControlListener} works with. */
export interface ControlListenerParts {
  readonly bus: ControlBus;
  readonly signals: SignalBus;
  readonly log: TaskLogger;
  /** Whom commands are for; its id changes with its lease. */
  readonly worker: () => SignalledWorker;
  readonly handlers: CommandHandlers;
  /** Done after a command was answered, such as what ends the connection. */
  readonly afterwards: Partial<{
    readonly [C in ControlCommandName]: (args: ControlCommands[C]['args']) => void;
  }>;
}

/** How long a worker's start waits until it hears commands. */
const LISTEN_MS = 1_000;

/** Hears the commands that are for one worker, carries them out, and answers. */
export class ControlListener {
  readonly #parts: ControlListenerParts;
  #end: Promise<() => void> | undefined;
  #stopped = false;

  constructor(parts: ControlListenerParts) {
    this.#parts = parts;
  }

  /** Resolves when commands are heard, or after a second: they will be. */
  async start(): Promise<void> {
    if (this.#stopped) return;
    this.#end ??= this.#parts.bus.listen((message) => void this.#hear(message));
    await Promise.race([
      this.#end.catch((error: unknown) => {
        this.#parts.log.warn(`This worker hears no commands: ${String(error)}`);
      }),
      delay(LISTEN_MS, undefined, { ref: false }),
    ]);
  }

  stop(): void {
    this.#stopped = true;
    this.#end?.then(
      (end) => end(),
      () => undefined,
    );
  }

  async #hear({ requestId, command, workers, args }: ControlMessage): Promise<void> {
    const { bus, log } = this.#parts;
    const worker = this.#parts.worker();
    const { id, name } = worker;
    if (workers && !workers.includes(id) && !workers.includes(name)) return;
    try {
      if (!isKnown(command)) {
        const error = `This worker does not know the command '${command}'; it may be of another version.`;
        await bus.answer({ requestId, worker: id, name, status: 'error', error });
        return;
      }
      await this.#carryOut(requestId, command, args, worker);
    } catch (error) {
      log.warn(
        `The answer to the command ${JSON.stringify(command)} could not be sent: ${String(error)}`,
      );
    }
  }

  async #carryOut<C extends ControlCommandName>(
    requestId: string,
    command: C,
    given: ControlMessage['args'],
    worker: SignalledWorker,
  ): Promise<void> {
    const { bus, signals, handlers, afterwards, log } = this.#parts;
    if (signals.has('controlCommandReceived')) {
      await signals.emit('controlCommandReceived', { worker, command, args: given });
    }
    let outcome: { args: ControlCommands[C]['args']; answer: JsonValue } | { error: string };
    try {
      const args: ControlCommands[C]['args'] = COMMAND_ARGS[command](given);
      const handle = handlers[command] as (args: ControlCommands[C]['args']) => unknown;
      outcome = { args, answer: handle(args) as JsonValue };
      if (!READS_ONLY.includes(command)) log.log(`Told to ${command} ${JSON.stringify(args)}`);
    } catch (error) {
      outcome = { error: error instanceof Error ? error.message : String(error) };
    }
    const about = { requestId, worker: worker.id, name: worker.name };
    try {
      await bus.answer(
        'error' in outcome
          ? { ...about, status: 'error', error: outcome.error }
          : { ...about, status: 'ok', answer: outcome.answer },
      );
    } finally {
      if (!('error' in outcome)) afterwards[command]?.(outcome.args);
    }
    if (signals.has('controlCommandCompleted')) {
      const error = 'error' in outcome ? outcome.error : undefined;
      const status = error === undefined ? 'ok' : 'error';
      await signals.emit('controlCommandCompleted', { worker, command, status, error });
    }
  }
}

const READS_ONLY: readonly ControlCommandName[] = ['ping', 'stats', 'inspect'];

function isKnown(command: string): command is ControlCommandName {
  return Object.hasOwn(COMMAND_ARGS, command);
}
