import { hidePassword } from '../../core/errors.js';
import { EXIT, type ExitCode } from '../exit-codes.js';

/** A reason to end with a line on stderr: what happened, and what to do next. */
export class CliError extends Error {
  readonly exitCode: ExitCode;
  /** For programs. */
  readonly code: string;

  constructor(message: string, init: { exitCode?: ExitCode; code?: string; cause?: unknown } = {}) {
    super(message, init.cause === undefined ? undefined : { cause: init.cause });
    this.exitCode = init.exitCode ?? EXIT.failed;
    this.code = init.code ?? CODES[this.exitCode];
  }
}

/** A wrong command line. */
export const usageError = (message: string): CliError =>
  new CliError(message, { exitCode: EXIT.usage });

/** Something that is not there. */
export const notFound = (message: string): CliError =>
  new CliError(message, { exitCode: EXIT.negative });

const CODES: Readonly<Record<ExitCode, string>> = {
  [EXIT.done]: 'CLI_DONE',
  [EXIT.negative]: 'CLI_NOT_FOUND',
  [EXIT.usage]: 'CLI_USAGE',
  [EXIT.failed]: 'CLI_FAILED',
};

/**
 * Errors of the library by their code, not their class: with `--app` they come from the application's
 * own copy of it.
 */
const EXIT_OF: Readonly<Record<string, ExitCode>> = {
  STEM_CONFIG_INVALID: EXIT.usage,
  STEM_UNKNOWN_TASK: EXIT.usage,
  STEM_TASK_ARGS_INVALID: EXIT.usage,
  STEM_PAYLOAD_TOO_LARGE: EXIT.usage,
  STEM_ENQUEUE_OPTION_INVALID: EXIT.usage,
  STEM_SCHEDULE_INVALID: EXIT.usage,
  STEM_TASK_NOT_FOUND: EXIT.negative,
  STEM_SCHEDULE_NOT_FOUND: EXIT.negative,
  STEM_TASK_FAILED: EXIT.negative,
  STEM_TASK_CANCELLED: EXIT.negative,
  STEM_TASK_EXPIRED: EXIT.negative,
};

/** An error as it is shown. */
export interface Complaint {
  readonly code: string;
  readonly exitCode: ExitCode;
  /** One line. */
  readonly message: string;
  /** What is behind it, for `--verbose`. */
  readonly causes: readonly string[];
}

/** Makes an error presentable: one line, without passwords, with the exit code that it means. */
export function complaintOf(error: unknown): Complaint {
  const { code, message } = error as { code?: unknown; message?: unknown };
  const named = typeof code === 'string' ? code : 'CLI_FAILED';
  const exitCode = error instanceof CliError ? error.exitCode : (EXIT_OF[named] ?? EXIT.failed);
  return {
    code: named,
    exitCode,
    message: oneLine(typeof message === 'string' && message !== '' ? message : String(error)),
    causes: causesOf(error),
  };
}

export function oneLine(text: string): string {
  return hidePassword(text)
    .replaceAll(/\s*\n\s*/g, ' ')
    .trim();
}

/** The error's own stack, then its causes. */
function causesOf(error: unknown): string[] {
  const causes: string[] = [];
  const seen = new Set<unknown>();
  for (let each = error; each !== undefined && each !== null && !seen.has(each);) {
    seen.add(each);
    const { stack, cause } = each as { stack?: unknown; cause?: unknown };
    causes.push(hidePassword(typeof stack === 'string' ? stack : describe(each)));
    each = cause;
  }
  return causes;
}

function describe(value: unknown): string {
  try {
    return typeof value === 'string' ? value : (JSON.stringify(value) ?? typeof value);
  } catch {
    return typeof value;
  }
}
