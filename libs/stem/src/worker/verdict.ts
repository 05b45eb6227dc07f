import type { DeathReason, Delivery } from '../broker/broker.js';
import {
  TaskArgsError,
  type TaskCoordinates,
  UnrecoverableTaskError,
  WorkerStoppingError,
} from '../core/errors.js';
import { toJson } from '../core/json.js';
import { isRetryable, retryDelayMs } from '../core/retry-policy.js';
import type { RegisteredTask } from '../core/task-registry.js';
import { RetryRequest } from './retry-request.js';

/** How the code of a run ended. */
export type RunEnd =
  | { readonly returned: true; readonly value: unknown }
  | { readonly returned: false; readonly error: unknown };

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
  try {
    return judgeError(end.error, circumstances);
  } catch (fault) {
    // The task's own `retryOn`, `doNotRetryOn` or `backoff` threw. Without a policy that works there is no
    // telling whether another try does harm.
    const error = new AggregateError(
      [end.error, fault],
      `The task failed, and so did its retry policy: ${String(fault)}`,
      { cause: end.error },
    );
    return { verb: 'fail', error, reason: 'not-retryable' };
  }
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
    const result = toJson(
      value,
      `The result of task '${delivery.envelope.name}'`,
      defaults.resultBytes,
      where,
    );
    return { verb: 'complete', result, value, ttlMs };
  } catch (error) {
    if (!(error instanceof TaskArgsError)) throw error;
    // The work is done; doing it again would not make its result any more serialisable.
    return { verb: 'fail', error, reason: 'result-not-serialisable' };
  }
}

function judgeError(error: unknown, circumstances: Circumstances): Verdict {
  const { delivery, task, defaults } = circumstances;
  const exhausted = delivery.attempt >= maxRetriesOf(delivery, task, defaults);
  if (error instanceof RetryRequest) {
    if (exhausted) return { verb: 'fail', error, reason: 'retries-exhausted' };
    const { delayMs, dueAt } = error;
    if (dueAt !== undefined) return { verb: 'retry', error, dueAt, ttlMs: ttlMsOf(circumstances) };
    if (delayMs !== undefined)
      return { verb: 'retry', error, delayMs, ttlMs: ttlMsOf(circumstances) };
  } else if (task && !isRetryable(task.options.retry, error)) {
    const reason = error instanceof UnrecoverableTaskError ? 'unrecoverable' : 'not-retryable';
    return { verb: 'fail', error, reason };
  }
  if (exhausted) {
    return { verb: 'fail', error, reason: task?.invoke ? 'retries-exhausted' : 'unknown-task' };
  }
  return {
    verb: 'retry',
    error,
    delayMs: task
      ? retryDelayMs(task.options.retry, delivery.attempt, error)
      : UNKNOWN_TASK_DELAY_MS * 2 ** delivery.attempt,
    ttlMs: ttlMsOf(circumstances),
  };
}

/**
 * First pause of a task that this worker has no handler for. During a deploy old workers meet tasks of
 * the new version; trying again gives a new worker the chance to take them.
 */
const UNKNOWN_TASK_DELAY_MS = 1_000;

function ttlMsOf({ delivery, task, defaults }: Circumstances): number {
  return delivery.envelope.resultTtlMs ?? task?.options.resultTtlMs ?? defaults.resultTtlMs;
}
