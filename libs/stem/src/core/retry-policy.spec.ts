import { StemConfigError, UnrecoverableTaskError } from './errors.js';
import {
  isRetryable,
  resolveRetryPolicy,
  retryDelayMs,
  type RetryOptions,
} from './retry-policy.js';

const policy = (options: RetryOptions = {}) => resolveRetryPolicy(options, 'a task');
const noChance = (): number => 0;

describe('the delay', () => {
  it('doubles from the base delay up to the longest one', () => {
    const exponential = policy({ delay: '1s', maxDelay: '10s' });
    expect(
      [0, 1, 2, 3, 4, 40].map((n) => retryDelayMs(exponential, n, undefined, noChance)),
    ).toEqual([1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
  });

  it('stays the same when it is fixed', () => {
    const fixed = policy({ backoff: 'fixed', delay: 70 });
    expect([0, 5].map((n) => retryDelayMs(fixed, n, undefined, noChance))).toEqual([70, 70]);
  });

  it('is what a function says, given the attempt and the error', () => {
    const own = policy({ backoff: (attempt, error) => attempt * 10 + (error as number) });
    expect(retryDelayMs(own, 3, 5, noChance)).toBe(35);
  });

  it.each([Number.NaN, 'soon' as unknown as number, undefined as unknown as number])(
    'falls back to the base delay when a function says %p',
    (answer) => {
      expect(retryDelayMs(policy({ backoff: () => answer, delay: 50 }), 0, null, noChance)).toBe(
        50,
      );
    },
  );

  it('is shortened by at most its jitter', () => {
    const jittered = policy({ delay: 1_000, backoff: 'fixed', jitter: 0.5 });
    expect(retryDelayMs(jittered, 0, undefined, () => 0)).toBe(1_000);
    expect(retryDelayMs(jittered, 0, undefined, () => 0.999)).toBeCloseTo(500, -1);
  });
});

describe('what is tried again', () => {
  it('is everything but an UnrecoverableTaskError by default', () => {
    expect(isRetryable(policy(), new Error())).toBe(true);
    expect(isRetryable(policy(), undefined)).toBe(true);
    expect(isRetryable(policy(), new UnrecoverableTaskError('no'))).toBe(false);
  });

  it('can be narrowed by class or by test; a refusal wins', () => {
    const narrow = policy({
      retryOn: [RangeError, (error) => error === 'again'],
      doNotRetryOn: [(error) => error instanceof RangeError && error.message === 'never'],
    });
    expect(isRetryable(narrow, new RangeError('x'))).toBe(true);
    expect(isRetryable(narrow, 'again')).toBe(true);
    expect(isRetryable(narrow, new RangeError('never'))).toBe(false);
    expect(isRetryable(narrow, new TypeError('x'))).toBe(false);
  });

  it('may name Error itself', () => {
    expect(isRetryable(policy({ retryOn: [Error] }), new TypeError())).toBe(true);
    expect(isRetryable(policy({ retryOn: [Error] }), 'text')).toBe(false);
  });
});

it.each([
  [{ backoff: 'linear' as 'fixed' }, /retry\.backoff of a task/],
  [{ jitter: 2 }, /retry\.jitter of a task/],
  [{ delay: 'soon' as '1s' }, /retry\.delay of a task/],
])('refuses %p', (options, message) => {
  expect(() => policy(options)).toThrow(StemConfigError);
  expect(() => policy(options)).toThrow(message);
});
