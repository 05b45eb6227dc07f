import { inspect } from 'node:util';

/** An error as it is kept with a task and sent to whoever waits for it. */
export interface TaskFailure {
  /** Class of the error, such as `TypeError`; `NonError` when something else was thrown. */
  readonly name: string;
  readonly message: string;
  /** The error's own `code`, when it has one. */
  readonly code?: string;
  readonly stack?: string;
  readonly cause?: TaskFailure;
}

const MAX_MESSAGE_LENGTH = 4_000;
const MAX_STACK_LENGTH = 8_000;
const MAX_CAUSES = 5;

/**
 * Describes whatever a handler threw: an error, a frozen one, one whose causes form a circle or whose
 * getters throw, a text, `undefined`. Never throws, and never returns more than some tens of kilobytes.
 */
export function describeFailure(thrown: unknown): TaskFailure {
  return describe(thrown, 0);
}

function describe(thrown: unknown, depth: number): TaskFailure {
  if (!(thrown instanceof Error)) {
    return {
      name: 'NonError',
      message: clip(`A handler threw ${show(thrown)}`, MAX_MESSAGE_LENGTH),
    };
  }
  const name = read(thrown, 'name');
  const message = read(thrown, 'message');
  const code = read(thrown, 'code');
  const stack = read(thrown, 'stack');
  const cause = read(thrown, 'cause');
  return {
    name: typeof name === 'string' ? clip(name, 200) : 'Error',
    message: clip(typeof message === 'string' ? message : show(message), MAX_MESSAGE_LENGTH),
    ...(typeof code === 'string' || typeof code === 'number'
      ? { code: clip(String(code), 200) }
      : {}),
    ...(typeof stack === 'string' ? { stack: clip(stack, MAX_STACK_LENGTH) } : {}),
    ...(cause !== undefined && depth < MAX_CAUSES ? { cause: describe(cause, depth + 1) } : {}),
  };
}

/** Turns a kept failure back into an error, with its name, code, stack and causes. */
export function reviveFailure(failure: TaskFailure): Error {
  const error = new Error(
    failure.message,
    failure.cause ? { cause: reviveFailure(failure.cause) } : undefined,
  );
  error.name = failure.name;
  if (failure.stack !== undefined) error.stack = failure.stack;
  if (failure.code !== undefined) Object.assign(error, { code: failure.code });
  return error;
}

function read(error: Error, property: string): unknown {
  try {
    return (error as unknown as Record<string, unknown>)[property];
  } catch {
    return undefined; // a getter that throws must not hide the failure itself
  }
}

function show(value: unknown): string {
  if (typeof value === 'string') return value;
  try {
    return inspect(value, { depth: 2, breakLength: Infinity });
  } catch {
    return `a value of type ${typeof value}`;
  }
}

function clip(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length)}… (${text.length} characters)` : text;
}
