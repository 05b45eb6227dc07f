/**
 * Every error this library throws extends {@link StemError}: a stable `code` for programs, a message
 * that says what happened, where, and what to do next, and the original error as `cause`.
 */

/** Where an error happened, as far as it is known. */
export interface TaskCoordinates {
  /** The task's id. */
  readonly taskId?: string | undefined;
  /** The task's name, such as `email.send`. */
  readonly taskName?: string | undefined;
  /** The queue it was in or was meant for. */
  readonly queue?: string | undefined;
}

/** What {@link StemError} is built from. */
export interface StemErrorInit extends TaskCoordinates {
  readonly cause?: unknown;
}

/** Base class of all errors of this library. */
export abstract class StemError extends Error {
  /** Stable identifier for programs, such as `STEM_UNKNOWN_TASK`. */
  abstract readonly code: string;
  // Only declared: what is not known does not show when the error is printed.
  declare readonly taskId?: string | undefined;
  declare readonly taskName?: string | undefined;
  declare readonly queue?: string | undefined;

  constructor(message: string, init: StemErrorInit = {}) {
    super(message, init.cause === undefined ? undefined : { cause: init.cause });
    this.name = new.target.name;
    if (init.taskId !== undefined) this.taskId = init.taskId;
    if (init.taskName !== undefined) this.taskName = init.taskName;
    if (init.queue !== undefined) this.queue = init.queue;
  }
}

/** An option or environment variable that cannot be used. Thrown at boot, before anything runs. */
export class StemConfigError extends StemError {
  readonly code = 'STEM_CONFIG_INVALID';
  /** The option or variable at fault, such as `worker.concurrency` or `STEM_RESULT_TTL`. */
  readonly option: string;

  constructor(
    fault: { option: string; value?: unknown; expected: string; secret?: boolean },
    init: StemErrorInit = {},
  ) {
    const shown = fault.secret ? '(hidden)' : preview(fault.value);
    super(`${fault.option} is ${shown}; expected ${fault.expected}.`, init);
    this.option = fault.option;
  }
}

/** Two handlers were registered under one task name. */
export class DuplicateTaskError extends StemError {
  readonly code = 'STEM_DUPLICATE_TASK';

  constructor(taskName: string, places: readonly [string, string]) {
    super(
      `Task '${taskName}' is registered twice: by ${places[0]} and by ${places[1]}. ` +
        `Rename one of them, or remove it.`,
      { taskName },
    );
  }
}

/** A task was enqueued under a name that this application does not know. */
export class UnknownTaskError extends StemError {
  readonly code = 'STEM_UNKNOWN_TASK';

  constructor(
    taskName: string,
    /** Known names that look most like the one given, nearest first. */
    readonly suggestions: readonly string[],
  ) {
    const hint = suggestions.length
      ? `Did you mean ${suggestions.map((name) => `'${name}'`).join(' or ')}?`
      : 'No name that is known here is like it.';
    super(
      `Unknown task '${taskName}'. ${hint} Decorate its handler with @Task, list its definition in ` +
        `\`tasks\`, or set \`allowUnknownTasks: true\` when its handler lives elsewhere.`,
      { taskName },
    );
  }
}

/** Arguments, headers or metadata that cannot be sent: not faithful as JSON, or of a wrong shape. */
export class TaskArgsError extends StemError {
  readonly code: string = 'STEM_TASK_ARGS_INVALID';
}

/** Arguments, headers, a name or a result over the configured size limit. */
export class PayloadTooLargeError extends TaskArgsError {
  override readonly code = 'STEM_PAYLOAD_TOO_LARGE';
}

/** An enqueue option that cannot be used. */
export class EnqueueOptionError extends StemError {
  readonly code = 'STEM_ENQUEUE_OPTION_INVALID';
}

/** No task is kept under this id: it never existed, or its retention has run out. */
export class TaskNotFoundError extends StemError {
  readonly code = 'STEM_TASK_NOT_FOUND';

  constructor(taskId: string) {
    super(
      `Task '${taskId}' is not known: it never existed, its result was ignored, or its retention ` +
        `(resultTtl) has run out.`,
      { taskId },
    );
  }
}

/** Awaited task ended as `failed`; `cause` carries the handler's error as far as JSON could. */
export class TaskFailedError extends StemError {
  readonly code = 'STEM_TASK_FAILED';
}

/** Awaited task ended as `cancelled`; also the reason of `ctx.signal` when a cancel was asked for. */
export class TaskCancelledError extends StemError {
  readonly code = 'STEM_TASK_CANCELLED';
}

/** Awaited task ended as `expired`. */
export class TaskExpiredError extends StemError {
  readonly code = 'STEM_TASK_EXPIRED';
}

/** A result was waited for longer than the given timeout; the task itself goes on. */
export class ResultTimeoutError extends StemError {
  readonly code = 'STEM_RESULT_TIMEOUT';
}

/** Throw it from a handler to skip the remaining retries. */
export class UnrecoverableTaskError extends StemError {
  readonly code = 'STEM_TASK_UNRECOVERABLE';
}

/** Reason of `ctx.signal` when the soft time limit has passed. */
export class SoftTimeLimitError extends StemError {
  readonly code = 'STEM_SOFT_TIME_LIMIT';
}

/** An attempt was ended by its hard time limit. */
export class HardTimeLimitError extends StemError {
  readonly code = 'STEM_HARD_TIME_LIMIT';
}

/** What ended a thread under the task that ran in it. */
export type ThreadCrash = 'exit' | 'out-of-memory' | 'uncaught-error' | 'boot-failed';

/**
 * The thread of an isolated task ended under it, which fails this attempt and nothing else. `cause` is
 * the error that ended the thread, if there was one.
 */
export class ThreadCrashedError extends StemError {
  readonly code = 'STEM_THREAD_CRASHED';
  readonly crash: ThreadCrash;

  constructor(message: string, crash: ThreadCrash, init: StemErrorInit = {}) {
    super(message, init);
    this.crash = crash;
  }
}

/** Reason of `ctx.signal` when the worker lost its lease: another worker may run the task now. */
export class LeaseLostError extends StemError {
  readonly code = 'STEM_LEASE_LOST';
}

/** Reason of `ctx.signal` when the worker stops and the drain deadline has passed. */
export class WorkerStoppingError extends StemError {
  readonly code = 'STEM_WORKER_STOPPING';
}

/** The broker could not be reached; the call was not carried out. */
export class BrokerUnavailableError extends StemError {
  readonly code = 'STEM_BROKER_UNAVAILABLE';
}

/** The broker did not answer within the time limit; whether the call was carried out is unknown. */
export class BrokerTimeoutError extends StemError {
  readonly code = 'STEM_BROKER_TIMEOUT';
}

/** The broker answered with an error, such as a wrong password or a key of a foreign type. */
export class BrokerCommandError extends StemError {
  readonly code: 'STEM_BROKER_COMMAND' | 'STEM_BROKER_FULL' = 'STEM_BROKER_COMMAND';
}

/** The broker has no memory left, and refused what was to be written. The same call may succeed later. */
export class BrokerFullError extends BrokerCommandError {
  override readonly code = 'STEM_BROKER_FULL';
}

/** The client, worker or broker was used after it was closed. */
export class StemClosedError extends StemError {
  readonly code = 'STEM_CLOSED';
}

function preview(value: unknown): string {
  if (value === undefined) return 'missing';
  if (typeof value === 'string') return `'${clip(hidePassword(value))}'`;
  if (typeof value === 'function') return 'a function';
  try {
    return clip(hidePassword(JSON.stringify(value, hideSecret) ?? typeof value));
  } catch {
    return `a value of type ${typeof value}`;
  }
}

const SECRET_KEY = /pass(word|phrase)?$|secret|token|^key$|^pfx$/i;

function hideSecret(key: string, value: unknown): unknown {
  return SECRET_KEY.test(key) && typeof value !== 'object' ? '***' : value;
}

function clip(text: string): string {
  return text.length > 120 ? `${text.slice(0, 117)}...` : text;
}

/** Replaces the password in every URL of a text, so that it can be logged. */
export function hidePassword(text: string): string {
  return (
    text
      // Up to the last @: a password may hold one, written unescaped.
      .replace(/(\w+:\/\/[^:@/\s]*):\S*@/g, '$1:***@')
      .replace(/([?&]\w*password=)[^&\s'"]*/gi, '$1***')
  );
}
