import type { JsonValue } from '../core/json.js';

/** One command on its way to workers. */
export interface ControlMessage {
  /** Unique; the answers carry it. */
  readonly requestId: string;
  /** One of `ControlCommands`, or one that only a later version knows. */
  readonly command: string;
  /** Ids or names of the workers it is for; absent: for all of them. */
  readonly workers?: readonly string[] | undefined;
  readonly args: { readonly [name: string]: JsonValue };
}

/** What one worker answers. */
export interface ControlAnswer {
  readonly requestId: string;
  /** The worker's id, and the name that it may share with others. */
  readonly worker: string;
  readonly name: string;
  readonly status: 'ok' | 'error';
  /** Absent in an error. */
  readonly answer?: JsonValue | undefined;
  /** Why the command was not carried out. */
  readonly error?: string | undefined;
}

/** A request whose answers are listened to. */
export interface ControlRequest {
  /** How many processes were listening when it was sent, as far as the broker can tell. */
  readonly listeners: number;
  /** Stops listening for answers. */
  close(): void;
}

/**
 * Commands to workers and their answers, between processes.
 *
 * Best effort, and fast: a message reaches whoever listens at that moment, once, or nobody. What must not
 * be lost is kept with the tasks, as requests to stop a task are.
 */
export interface ControlBus {
  /**
   * Hears every command until the returned function is called, also over reconnections. Resolves when
   * all that is sent from now on will be heard, or, while the broker is away, as soon as it may be.
   * Messages that are no commands, or too large, are dropped.
   */
  listen(listener: (message: ControlMessage) => void): Promise<() => void>;

  /**
   * Sends a command to everybody who listens.
   *
   * @param onAnswer told each answer, until the request is closed.
   * @throws {BrokerUnavailableError} when it was not sent.
   */
  request(
    message: ControlMessage,
    onAnswer: (answer: ControlAnswer) => void,
  ): Promise<ControlRequest>;

  /** Sends an answer to whoever made the request. */
  answer(answer: ControlAnswer): Promise<void>;
}
