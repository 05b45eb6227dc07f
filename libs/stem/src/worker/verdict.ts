import type { DeathReason, Delivery } from '../broker/broker.js';
import {
  TaskArgsError,
  type TaskCoordinates,
  UnrecoverableTaskError,
  WorkerStoppingError,
} from '../core/errors.js';
import { JsonText, toJson } from '../core/json.js';
import { isRetryable, retryDelayMs, type RetryPolicy } from '../core/retry-policy.js';
import type { RegisteredTask } from '../core/task-registry.js';
import { RetryRequest } from './retry-request.js';

/** How the code of a run ended. A value may be a {@link JsonText}. */
export type RunEnd =
  | { readonly returned: true; readonly value: unknown }
  | {
      readonly returned: false;
      readonly error: unknown;
      /** Given where the policy was asked before: in the thread in which the error was thrown. */
      readonly ruling?: RetryRuling;
    };

/** What a task's retry policy says of an error. */
export type RetryRuling =
  | { readonly retryable: true; readonly delayMs: number }
  | { readonly retryable: false; readonly reason: DeathReason };

/** What is to be done about a run that has ended: the transition, and what it needs. */
export type Verdict =
  | {
      readonly verb: 'complete';
      readonly result: string | undefined;
      readonly value: unknown;
      readonly ttlMs: number;
    }
  | {
      readonly verb: 'retry';
      readonly error: unknown;
      readonly delayMs?: number;
      readonly dueAt?: number;
      readonly ttlMs: number;
    }
  | { readonly verb: 'fail'; readonly error: unknown; readonly reason: DeathReason }
  | { readonly verb: 'abandon'; readonly reason: string; readonly ttlMs: number }
  | { readonly verb: 'release' };

/** What the verdict depends on, besides how the run ended. */
export interface Circumstances {
  readonly delivery: Delivery;
  readonly task: RegisteredTask | undefined;
  /** Reason given by whoever asked the task to stop. */
  readonly cancelReason: string | undefined;
  /** Why `ctx.signal` aborted, if it did. */
  readonly abortReason: unknown;
  readonly defaults: RunDefaults;
}

/** What holds for tasks that say nothing else. */
export interface RunDefaults {
  readonly maxRetries: number;
  readonly resultTtlMs: number;
  /** Largest result in bytes. */
  readonly resultBytes: number;
}

/** Further tries that a task has after its first. */
export function maxRetriesOf(
  delivery: Delivery,
  task: RegisteredTask | undefined,
  defaults: RunDefaults,
): number {
  return delivery.envelope.maxRetries ?? task?.options.maxRetries ?? defaults.maxRetries;
}

/** Decides which transition follows from the way a run ended. Decides only: nothing happens here. */
export function judge(end: RunEnd, circumstances: Circumstances): Verdict {
  if (end.returned) return judgeReturn(end.value, circumstances);
  const { cancelReason, abortReason } = circumstances;
  if (cancelReason !== undefined) {
    return { verb: 'abandon', reason: cancelReason, ttlMs: ttlMsOf(circumstances) };
  }
  // Told to stop because the worker stops, it did: another worker starts over, and no attempt is spent.
  if (abortReason instanceof WorkerStoppingError && !(end.error instanceof RetryRequest)) {
    return { verb: 'release' };
  }
  return judgeError(end, circumstances);
}

function judgeReturn(value: unknown, circumstances: Circumstances): Verdict {
  const { delivery, task, defaults } = circumstances;
  const ignored = task?.options.ignoreResult ?? false;
  const ttlMs = ignored ? 0 : ttlMsOf(circumstances);
  if (value === undefined || ttlMs === 0) {
    return { verb: 'complete', result: undefined, value, ttlMs };
  }
  const where: TaskCoordinates = {
    taskId: delivery.envelope.id,
    taskName: delivery.envelope.name,
    queue: delivery.queue,
  };
  try {
    const result =
      value instanceof JsonText
        ? value.text
        : toJson(value, `The result of task '${where.taskName}'`, defaults.resultBytes, where);
    return { verb: 'complete', result, value, ttlMs };
  } catch (error) {
    if (!(error instanceof TaskArgsError)) throw error;
    // The work is done; doing it again would not make its result any more serialisable.
    return { verb: 'fail', error, reason: 'result-not-serialisable' };
  }
}

function judgeError(
  { error: thrown, ruling: given }: RunEnd & { returned: false },
  circumstances: Circumstances,
): Verdict {
  const { delivery, task, defaults } = circumstances;
  const { error, ruling } =
    given || !task
      ? { error: thrown, ruling: given }
      : ruleOn(thrown, task.options.retry, delivery.attempt);
  const exhausted = delivery.attempt >= maxRetriesOf(delivery, task, defaults);
  if (error instanceof RetryRequest) {
    if (exhausted) return { verb: 'fail', error, reason: 'retries-exhausted' };
    const { delayMs, dueAt } = error;
    if (dueAt !== undefined) return { verb: 'retry', error, dueAt, ttlMs: ttlMsOf(circumstances) };
    if (delayMs !== undefined)
      return { verb: 'retry', error, delayMs, ttlMs: ttlMsOf(circumstances) };
  }
  if (ruling && !ruling.retryable) return { verb: 'fail', error, reason: ruling.reason };
  if (exhausted) {
    return { verb: 'fail', error, reason: task?.invoke ? 'retries-exhausted' : 'unknown-task' };
  }
  return {
    verb: 'retry',
    error,
    delayMs: ruling ? ruling.delayMs : UNKNOWN_TASK_DELAY_MS * 2 ** delivery.attempt,
    ttlMs: ttlMsOf(circumstances),
  };
}

/**
 * Asks a task's retry policy about what was thrown; how many tries are left is not its business.
 *
 * @returns what it says, and the error to keep: another one when the policy itself threw.
 */
export function ruleOn(
  error: unknown,
  policy: RetryPolicy,
  attempt: number,
): { readonly error: unknown; readonly ruling: RetryRuling } {
  try {
    if (!(error instanceof RetryRequest) && !isRetryable(policy, error)) {
      const reason = error instanceof UnrecoverableTaskError ? 'unrecoverable' : 'not-retryable';
      return { error, ruling: { retryable: false, reason } };
    }
    return { error, ruling: { retryable: true, delayMs: retryDelayMs(policy, attempt, error) } };
  } catch (fault) {
    // The task's own `retryOn`, `doNotRetryOn` or `backoff` threw. Without a policy that works there is no
    // telling whether another try does harm.
    const both = new AggregateError(
      [error, fault],
      `The task failed, and so did its retry policy: ${String(fault)}`,
      { cause: error },
    );
    return { error: both, ruling: { retryable: false, reason: 'not-retryable' } };
  }
}

/**
 * First pause of a task that this worker has no handler for. During a deploy old workers meet tasks of
 * the new version; trying again gives a new worker the chance to take them. With
 * three retries that is more than a minute.
 */
const UNKNOWN_TASK_DELAY_MS = 10_000;

function ttlMsOf({ delivery, task, defaults }: Circumstances): number {
  return delivery.envelope.resultTtlMs ?? task?.options.resultTtlMs ?? defaults.resultTtlMs;
}
