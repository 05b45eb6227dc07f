import type { EnqueueOptions, TaskReference } from '../client/enqueue-options.js';
import type { DeadLetter } from '../client/task-status.js';
import type { TaskArgs, TaskDefinition } from '../core/define-task.js';
import { type Duration, parseDuration } from '../core/duration.js';
import {
  assertEnqueued,
  assertNotEnqueued,
  type EnqueuedExpectation,
  type ExpectedArgs,
} from './assert-enqueued.js';
import type { EnqueuedTask } from './journal.js';
import { DEFAULT_RUN_LIMIT } from './run-limit.js';
import type { TestBench } from './test-bench.js';
import { StemTestingError } from './testing-error.js';

/** Options of {@link StemTester.drain} and {@link StemTester.advance}. */
export interface DrainOptions {
  /** Most runs without time passing, from 1, before it is taken for a task that enqueues itself. Default 1,000. */
  readonly limit?: number;
}

/** Options of {@link StemTester.run}. */
export interface RunOptions extends Pick<
  EnqueueOptions,
  'headers' | 'meta' | 'queue' | 'priority' | 'id' | 'maxRetries'
> {
  /** Whether an attempt that failed is followed by others, at once. Default false. */
  readonly retries?: boolean;
}

/** Arguments may be left out where they may be `undefined`. */
export type RunParameters<TArgs> = undefined extends TArgs
  ? [args?: TArgs, options?: RunOptions]
  : [args: TArgs, options?: RunOptions];

const ALL = 1_000_000;

/**
 * What a test asks of the Stem of the application under test, and what it makes happen:
 * `app.get(StemTester)`.
 */
export class StemTester {
  readonly #bench: TestBench;
  readonly #name: string | undefined;

  /** Made by `StemTestingModule`. */
  constructor(bench: TestBench, name?: string) {
    this.#bench = bench;
    this.#name = name;
  }

  /**
   * The tester of the Stem of this name. What was enqueued, what failed and what is run is each Stem's own;
   * time, `drain` and `clear` are about all of them.
   *
   * @throws {StemTestingError} when the application has no such Stem.
   */
  of(name: string): StemTester {
    this.#bench.stem(name);
    return new StemTester(this.#bench, name);
  }

  /**
   * The tasks that were enqueued so far, by code, by other tasks and by schedules, in order. Those that a
   * claim kept from being created are not among them, nor is what {@link run} runs.
   *
   * @param task only tasks of this name.
   */
  enqueued<TArgs>(task: TaskDefinition<TArgs, unknown>): EnqueuedTask<TArgs>[];
  enqueued<TArgs = unknown>(task?: string): EnqueuedTask<TArgs>[];
  enqueued(task?: TaskReference): EnqueuedTask[] {
    return this.#stem.journal.list(task === undefined ? undefined : nameOf(task));
  }

  /**
   * Makes sure that a task was enqueued.
   *
   * @param args its arguments: all of them, among which matchers such as `expect.any(String)` may be; or a
   *   function that says whether they are right. Left out: any.
   * @param expected what else must hold: options, headers, how many.
   * @returns the first such task.
   * @throws {AssertionError} that shows the difference to the nearest one.
   * @throws {StemConfigError} when something is expected that no task has, such as a misspelled option.
   */
  assertEnqueued<T extends TaskDefinition<unknown, unknown>>(
    task: T,
    args?: ExpectedArgs<TaskArgs<T>>,
    expected?: EnqueuedExpectation,
  ): EnqueuedTask<TaskArgs<T>>;
  assertEnqueued<TArgs = unknown>(
    task: string,
    args?: ExpectedArgs<TArgs>,
    expected?: EnqueuedExpectation,
  ): EnqueuedTask<TArgs>;
  assertEnqueued(
    task: TaskReference,
    args?: unknown,
    expected: EnqueuedExpectation = {},
  ): EnqueuedTask | undefined {
    return assertEnqueued(this.#stem.journal.list(), nameOf(task), args, expected)[0];
  }

  /**
   * Makes sure that no such task was enqueued; without a task, that none was at all.
   *
   * @throws {AssertionError} that names what was.
   * @throws {StemConfigError} when something is excluded that no task has, such as a misspelled option.
   */
  assertNotEnqueued<T extends TaskDefinition<unknown, unknown>>(
    task?: T,
    args?: ExpectedArgs<TaskArgs<T>>,
    expected?: EnqueuedExpectation,
  ): void;
  assertNotEnqueued<TArgs = unknown>(
    task?: string,
    args?: ExpectedArgs<TArgs>,
    expected?: EnqueuedExpectation,
  ): void;
  assertNotEnqueued(
    task?: TaskReference,
    args?: unknown,
    expected: EnqueuedExpectation = {},
  ): void {
    const name = task === undefined ? undefined : nameOf(task);
    assertNotEnqueued(this.#stem.journal.list(), name, args, expected);
  }

  /**
   * Runs a single task now, in every mode, whatever else waits. It is enqueued and run as any other, with
   * its signals and limits, except that it is not tried again unless `retries` is set, waits for no turn
   * under a rate limit, and does not stand in {@link enqueued}; tasks that it enqueues do.
   *
   * @returns what `result()` would return.
   * @throws what the handler threw at its last attempt; what `enqueue` throws; `UnknownTaskError` when
   *   the application has no handler for it.
   */
  run<TArgs, TResult>(
    task: TaskDefinition<TArgs, TResult>,
    ...rest: RunParameters<TArgs>
  ): Promise<TResult>;
  run<TResult = unknown>(task: string, args?: unknown, options?: RunOptions): Promise<TResult>;
  run(task: TaskReference, args?: unknown, options: RunOptions = {}): Promise<unknown> {
    const { retries = false, ...enqueueOptions } = options;
    return this.#stem.run(task, args, { ...enqueueOptions, retries });
  }

  /**
   * Runs every task that is due, one after the other, and whatever they enqueue, until nothing that is due
   * is left. Tasks that wait for a time to come stay where they are.
   *
   * @returns how many runs that were.
   * @throws {StemTestingError} in mode `fake`, and when there is no end to it.
   */
  async drain({ limit = DEFAULT_RUN_LIMIT }: DrainOptions = {}): Promise<number> {
    return this.#bench.drain(limit);
  }

  /**
   * Lets time pass: the virtual clock goes from one due time to the next, and everything that comes due
   * (delayed tasks, retries, expiries, turns under rate limits, schedules) happens at its very time, with
   * all that follows from it. In mode `fake` nothing runs; schedules enqueue their tasks all the same.
   *
   * @param by how long, or until when.
   * @returns how many runs that were.
   * @throws {StemTestingError} when a time is in the past, or when there is no end to what happens at one
   *   time.
   */
  async advance(
    by: Duration | Date,
    { limit = DEFAULT_RUN_LIMIT }: DrainOptions = {},
  ): Promise<number> {
    const now = this.#bench.clock.now();
    const until = by instanceof Date ? by.getTime() : now + parseDuration(by, 'advance');
    if (!(until >= now)) {
      throw new StemTestingError(
        `Time does not go back: it is ${new Date(now).toISOString()}, and advance() is asked for ` +
          `${Number.isNaN(until) ? 'no valid date' : new Date(until).toISOString()}.`,
      );
    }
    return this.#bench.advance(until, limit);
  }

  /** The present time by the virtual clock, which stands still until {@link advance}. */
  now(): Date {
    return new Date(this.#bench.clock.now());
  }

  /** The tasks that gave up, those that did so first coming first. */
  async failed(): Promise<DeadLetter[]> {
    const letters = await this.#stem.stem.client.deadLetters.list({ limit: ALL });
    return letters.reverse();
  }

  /**
   * Forgets everything that was enqueued: waiting tasks, results, dead letters, claims, turns under rate
   * limits; paused queues are resumed. Schedules and the time stay. For tests that share an application.
   */
  clear(): Promise<void> {
    return this.#bench.clear();
  }

  get #stem(): ReturnType<TestBench['stem']> {
    return this.#bench.stem(this.#name);
  }
}

function nameOf(task: TaskReference): string {
  return typeof task === 'string' ? task : task.name;
}
