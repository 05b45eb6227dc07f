import { AssertionError } from 'node:assert';
import type { EnqueueOptions } from '../client/enqueue-options.js';
import { refuseUnknownOptions } from '../config/checks.js';
import { parseDuration } from '../core/duration.js';
import type { EnqueuedTask } from './journal.js';
import { differenceOf, matches } from './matching.js';

/** What else is expected of an enqueued task; what is left out may be anything. */
export interface EnqueuedExpectation extends Pick<
  EnqueueOptions,
  | 'id'
  | 'queue'
  | 'priority'
  | 'delay'
  | 'at'
  | 'expires'
  | 'maxRetries'
  | 'resultTtl'
  | 'unique'
  | 'uniqueFor'
> {
  /** Headers that it must have among its headers. */
  readonly headers?: EnqueueOptions['headers'];
  /** Metadata that it must have among its own. */
  readonly meta?: EnqueueOptions['meta'];
  /** How many such tasks there must be. Default: one or more. */
  readonly times?: number;
}

/** Arguments that are expected: equal, with matchers inside, or as a function says. */
export type ExpectedArgs<TArgs> = TArgs | ((args: TArgs) => boolean);

const EXPECTATIONS = Object.keys({
  id: true,
  queue: true,
  priority: true,
  delay: true,
  at: true,
  expires: true,
  maxRetries: true,
  resultTtl: true,
  unique: true,
  uniqueFor: true,
  headers: true,
  meta: true,
  times: true,
} satisfies Record<keyof EnqueuedExpectation, true>);
const DURATIONS: readonly string[] = ['delay', 'expires', 'resultTtl', 'uniqueFor'];

/**
 * @returns the tasks that are as expected, in their order.
 * @throws {AssertionError} when there is none, or `times` says another number.
 * @throws {StemConfigError} when something is expected that no task has.
 */
export function assertEnqueued(
  enqueued: readonly EnqueuedTask[],
  name: string,
  args: unknown,
  { times, ...others }: EnqueuedExpectation,
): EnqueuedTask[] {
  const expected = expectationOf(args, others);
  const candidates = enqueued.filter((task) => task.name === name);
  const found = candidates.filter((task) => isAsExpected(task, args, expected));
  if (times === undefined ? found.length > 0 : found.length === times) return found;
  const wanted = Object.keys(expected).length > 0 || typeof args === 'function';
  const what = `task '${name}'${wanted ? ' as expected' : ''}`;
  if (times !== undefined && found.length > 0) {
    throw failure(
      `Expected ${what} to be enqueued ${timesOf(times)}; it was, ${timesOf(found.length)}.`,
      found.length,
      times,
    );
  }
  const count = times === undefined || times === 1 ? '' : ` ${timesOf(times)}`;
  const head = `Expected ${what} to be enqueued${count}`;
  if (candidates.length === 0) {
    throw failure(`${head}; ${summaryOf(enqueued)}.`, [], [expected]);
  }
  const nearest = nearestOf(candidates, expected);
  const shown = seenBy(expected, nearest);
  const difference = differenceOf(shown, expected);
  throw failure(
    `${head}; ${candidates.length === 1 ? 'one was' : `${candidates.length} were`}, and differs:\n` +
      (difference || JSON.stringify(nearest.args)),
    shown,
    expected,
  );
}

/** @throws {AssertionError} when there is such a task. */
export function assertNotEnqueued(
  enqueued: readonly EnqueuedTask[],
  name: string | undefined,
  args: unknown,
  { times: _, ...others }: EnqueuedExpectation,
): void {
  const expected = expectationOf(args, others);
  const found = enqueued.filter(
    (task) => (name === undefined || task.name === name) && isAsExpected(task, args, expected),
  );
  const [first] = found;
  if (!first) return;
  throw failure(
    name === undefined
      ? `Expected no task to be enqueued; ${summaryOf(enqueued)}.`
      : `Expected task '${name}' not to be enqueued; it was, ${timesOf(found.length)}, first with ` +
          `${JSON.stringify(first.args)}.`,
    found.map(({ name: task, args: given }) => ({ task, args: given })),
    [],
  );
}

type Facts = Readonly<Record<string, unknown>>;

/** What is expected, as it would be written down; without what may be anything. */
function expectationOf(args: unknown, others: Omit<EnqueuedExpectation, 'times'>): Facts {
  // A misspelled one would never be found, which assertNotEnqueued takes for good news.
  refuseUnknownOptions(others, EXPECTATIONS, '');
  const expected: Record<string, unknown> = {};
  if (args !== undefined && typeof args !== 'function') expected['args'] = args;
  for (const [key, value] of Object.entries(others)) {
    if (value === undefined) continue;
    const isDuration = DURATIONS.includes(key) && !(value instanceof Date);
    expected[key] = isDuration ? parseDuration(value, key) : value;
  }
  return expected;
}

function isAsExpected(task: EnqueuedTask, args: unknown, expected: Facts): boolean {
  const isRight = typeof args !== 'function' || (args as (given: unknown) => boolean)(task.args);
  return isRight && matches(seenBy(expected, task), expected);
}

/** Of a task, what an expectation speaks of. */
function seenBy(expected: Facts, task: EnqueuedTask): Facts {
  const all: Facts = { ...task.options, args: task.args, id: task.id };
  return Object.fromEntries(
    Object.keys(expected).map((key) => {
      if (key !== 'headers' && key !== 'meta') return [key, all[key]];
      const wanted = Object.keys(expected[key] as object);
      return [
        key,
        Object.fromEntries(Object.entries(task[key]).filter(([k]) => wanted.includes(k))),
      ];
    }),
  );
}

/** The one of which most is as expected; of equal ones the last. */
function nearestOf(candidates: readonly EnqueuedTask[], expected: Facts): EnqueuedTask {
  const score = (task: EnqueuedTask): number => {
    const seen = seenBy(expected, task);
    const parts = Object.entries(expected).flatMap(([key, value]) => {
      const own = seen[key];
      return isRecord(value) && isRecord(own)
        ? Object.keys(value).map((inner) => matches(own[inner], value[inner]))
        : [matches(own, value)];
    });
    return parts.filter(Boolean).length;
  };
  return candidates.reduce((best, task) => (score(task) >= score(best) ? task : best));
}

function isRecord(value: unknown): value is Facts {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function summaryOf(enqueued: readonly EnqueuedTask[]): string {
  if (enqueued.length === 0) return 'nothing was';
  const counts = new Map<string, number>();
  for (const { name } of enqueued) counts.set(name, (counts.get(name) ?? 0) + 1);
  const parts = [...counts].map(([name, count]) => `'${name}'${count > 1 ? ` (${count})` : ''}`);
  return `there were ${parts.join(', ')}`;
}

function timesOf(count: number): string {
  return count === 1 ? 'once' : `${count} times`;
}

function failure(message: string, actual: unknown, expected: unknown): AssertionError {
  return new AssertionError({ message, actual, expected, operator: 'assertEnqueued' });
}
