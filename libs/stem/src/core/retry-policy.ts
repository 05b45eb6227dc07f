import { type Duration, parseDuration } from './duration.js';
import { StemConfigError, UnrecoverableTaskError } from './errors.js';

/** An error class, or a test on what was thrown. */
export type ErrorMatcher =
  (abstract new (...args: never[]) => Error) | ((error: unknown) => boolean);

/** How a task is tried again. */
export interface RetryOptions {
  /**
   * `exponential`: `delay × 2^attempt`, at most `maxDelay`. `fixed`: always `delay`. A function: the
   * milliseconds to wait, given the attempt that failed (0 for the first try) and what it threw.
   * Default `exponential`.
   */
  readonly backoff?: 'exponential' | 'fixed' | ((attempt: number, error: unknown) => number);
  /** Base delay. Default 1 s. */
  readonly delay?: Duration;
  /** Upper bound of every delay. Default 10 m. */
  readonly maxDelay?: Duration;
  /**
   * Share of the delay that is drawn at random, so that tasks that failed together do not come back
   * together: 0 to 1, `true` for 0.25, `false` for 0. The delay is shortened by up to this share.
   * Default 0.25.
   */
  readonly jitter?: boolean | number;
  /** Only these errors are tried again. Default: all. */
  readonly retryOn?: readonly ErrorMatcher[];
  /** These errors are never tried again; wins over `retryOn`. */
  readonly doNotRetryOn?: readonly ErrorMatcher[];
}

/** Retry options after checking. */
export interface RetryPolicy {
  readonly backoff: NonNullable<RetryOptions['backoff']>;
  readonly delayMs: number;
  readonly maxDelayMs: number;
  readonly jitter: number;
  readonly retryOn: readonly ErrorMatcher[] | undefined;
  readonly doNotRetryOn: readonly ErrorMatcher[];
}

const DEFAULT_JITTER = 0.25;

/** Checks retry options. @throws {StemConfigError} naming the option and `place`. */
export function resolveRetryPolicy(options: RetryOptions, place: string): RetryPolicy {
  const { backoff = 'exponential', jitter = DEFAULT_JITTER } = options;
  if (backoff !== 'exponential' && backoff !== 'fixed' && typeof backoff !== 'function') {
    throw new StemConfigError({
      option: `retry.backoff of ${place}`,
      value: backoff,
      expected: `'exponential', 'fixed' or a function (attempt, error) => milliseconds`,
    });
  }
  const share = jitter === true ? DEFAULT_JITTER : jitter === false ? 0 : jitter;
  if (typeof share !== 'number' || !(share >= 0 && share <= 1)) {
    throw new StemConfigError({
      option: `retry.jitter of ${place}`,
      value: jitter,
      expected: 'true, false or a share from 0 to 1',
    });
  }
  return {
    backoff,
    delayMs: parseDuration(options.delay ?? 1_000, `retry.delay of ${place}`),
    maxDelayMs: parseDuration(options.maxDelay ?? 600_000, `retry.maxDelay of ${place}`),
    jitter: share,
    retryOn: options.retryOn,
    doNotRetryOn: options.doNotRetryOn ?? [],
  };
}

/** Whether the policy allows another try after `error`; counting tries is the caller's business. */
export function isRetryable(policy: RetryPolicy, error: unknown): boolean {
  if (error instanceof UnrecoverableTaskError) return false;
  if (policy.doNotRetryOn.some((matcher) => matches(matcher, error))) return false;
  return policy.retryOn === undefined || policy.retryOn.some((matcher) => matches(matcher, error));
}

/**
 * The time to wait before the next try.
 *
 * @param attempt the attempt that failed, 0 for the first try.
 * @param random a number in [0, 1), injected so that tests can fix it.
 */
export function retryDelayMs(
  policy: RetryPolicy,
  attempt: number,
  error: unknown,
  random: () => number = Math.random,
): number {
  const raw =
    typeof policy.backoff === 'function'
      ? Number(policy.backoff(attempt, error))
      : policy.backoff === 'fixed'
        ? policy.delayMs
        : policy.delayMs * 2 ** attempt;
  // A user's function may return anything; a delay that is no number must not become "never".
  const bounded = Number.isNaN(raw)
    ? policy.delayMs
    : Math.min(Math.max(raw, 0), policy.maxDelayMs);
  return Math.round(bounded * (1 - policy.jitter * random()));
}

function matches(matcher: ErrorMatcher, error: unknown): boolean {
  if (isErrorClass(matcher)) return error instanceof matcher;
  return matcher(error);
}

function isErrorClass(matcher: ErrorMatcher): matcher is abstract new (...args: never[]) => Error {
  return (
    matcher === (Error as unknown) ||
    (typeof matcher.prototype === 'object' && matcher.prototype instanceof Error)
  );
}
