import type { Delivery } from '../broker/broker.js';
import { UnrecoverableTaskError, WorkerStoppingError } from '../core/errors.js';
import type { RegisteredTask } from '../core/task-registry.js';
import { resolveTaskOptions, type TaskOptions } from '../core/task-options.js';
import { RetryRequest } from './retry-request.js';
import { type Circumstances, judge } from './verdict.js';

const delivery = (changes: Partial<Delivery> = {}): Delivery => ({
  envelope: {
    id: '0.a',
    name: 'x',
    args: {},
    headers: {},
    meta: {},
    maxRetries: undefined,
    expires: false,
    uniqueKey: undefined,
    resultTtlMs: undefined,
  },
  queue: 'default',
  priority: 0,
  attempt: 0,
  deliveries: 1,
  replays: 0,
  enqueuedAt: 0,
  admitted: false,
  ...changes,
});

const task = (options: TaskOptions = {}): RegisteredTask => ({
  name: 'x',
  options: resolveTaskOptions({ retry: { delay: 100, jitter: false }, ...options }, 'x'),
  place: 'here',
  invoke: () => undefined,
});

const given = (changes: Partial<Circumstances> = {}): Circumstances => ({
  delivery: delivery(),
  task: task(),
  cancelReason: undefined,
  abortReason: undefined,
  defaults: { maxRetries: 3, resultTtlMs: 1_000, resultBytes: 100 },
  ...changes,
});

const threw = (error: unknown) => ({ returned: false, error }) as const;
const returned = (value: unknown) => ({ returned: true, value }) as const;

describe('a handler that returned', () => {
  it('succeeds with its value as JSON', () => {
    expect(judge(returned({ a: 1 }), given())).toMatchObject({
      verb: 'complete',
      result: '{"a":1}',
      ttlMs: 1_000,
    });
  });

  it('succeeds without a result when it returned none', () => {
    expect(judge(returned(undefined), given())).toMatchObject({
      verb: 'complete',
      result: undefined,
    });
  });

  it('keeps nothing when its result is ignored', () => {
    const ignoring = given({ task: task({ ignoreResult: true }) });
    expect(judge(returned({ a: 1n }), ignoring)).toMatchObject({ verb: 'complete', ttlMs: 0 });
  });

  it('fails for good when the result cannot be kept', () => {
    for (const value of [1n, 'x'.repeat(200)]) {
      expect(judge(returned(value), given())).toMatchObject({
        verb: 'fail',
        reason: 'result-not-serialisable',
      });
    }
  });

  it('succeeds even if a stop was asked for meanwhile', () => {
    const asked = given({ cancelReason: 'stop', abortReason: new WorkerStoppingError('stop') });
    expect(judge(returned(1), asked)).toMatchObject({ verb: 'complete' });
  });
});

describe('a handler that threw', () => {
  it('is tried again after a delay', () => {
    expect(judge(threw(new Error()), given())).toMatchObject({ verb: 'retry', delayMs: 100 });
  });

  it.each([
    ['the task', { delivery: delivery({ attempt: 1 }), task: task({ maxRetries: 1 }) }],
    ['the defaults', { delivery: delivery({ attempt: 3 }) }],
    [
      'whoever enqueued it',
      { delivery: delivery({ envelope: { ...delivery().envelope, maxRetries: 0 } }) },
    ],
  ])('is dead when the tries that %s allowed are used up', (_who, changes) => {
    expect(judge(threw(new Error()), given(changes))).toMatchObject({
      verb: 'fail',
      reason: 'retries-exhausted',
    });
  });

  it('is dead at once when there is no hope', () => {
    expect(judge(threw(new UnrecoverableTaskError('no')), given())).toMatchObject({
      verb: 'fail',
      reason: 'unrecoverable',
    });
  });

  it('is abandoned when it was asked to stop', () => {
    const asked = given({ cancelReason: 'not needed' });
    expect(judge(threw(new Error()), asked)).toMatchObject({
      verb: 'abandon',
      reason: 'not needed',
    });
  });

  it('is released when the worker told it to stop', () => {
    const stopping = given({ abortReason: new WorkerStoppingError('stop') });
    expect(judge(threw(new Error('aborted')), stopping)).toEqual({ verb: 'release' });
  });

  it('is tried again when it asked for it, then', () => {
    const soon = new RetryRequest(undefined, { delayMs: 7, dueAt: undefined }, {});
    const then = new RetryRequest(undefined, { delayMs: undefined, dueAt: 99 }, {});
    expect(judge(threw(soon), given())).toMatchObject({ verb: 'retry', delayMs: 7 });
    expect(judge(threw(then), given())).toMatchObject({ verb: 'retry', dueAt: 99 });
  });

  it('asks in vain when its tries are used up', () => {
    const request = new RetryRequest(undefined, { delayMs: 7, dueAt: undefined }, {});
    const last = given({ delivery: delivery({ attempt: 3 }) });
    expect(judge(threw(request), last)).toMatchObject({
      verb: 'fail',
      reason: 'retries-exhausted',
    });
  });

  it('fails when its retry policy throws, telling of both', () => {
    const broken = given({
      task: task({
        retry: {
          retryOn: [
            () => {
              throw new Error('broken policy');
            },
          ],
        },
      }),
    });
    const verdict = judge(threw(new Error('first')), broken);
    expect(verdict).toMatchObject({ verb: 'fail', reason: 'not-retryable' });
    expect(String((verdict as { error: Error }).error)).toMatch(/broken policy/);
    expect((verdict as { error: Error }).error.cause).toMatchObject({ message: 'first' });
  });
});

it('gives a task without handler some tries, then calls it unknown', () => {
  const unknown = { task: undefined };
  expect(judge(threw(new Error()), given(unknown))).toMatchObject({ verb: 'retry' });
  const last = given({ ...unknown, delivery: delivery({ attempt: 3 }) });
  expect(judge(threw(new Error()), last)).toMatchObject({ verb: 'fail', reason: 'unknown-task' });
});
