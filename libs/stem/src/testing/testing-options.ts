import { requireObject, requireOneOf } from '../config/checks.js';
import { type Environment } from '../config/environment.js';
import { LIMITS } from '../config/limits.js';
import type { ResolvedStemConfig } from '../config/resolved-config.js';
import { resolveStemOptions } from '../config/resolve-options.js';
import type { StemOptions } from '../config/stem-options.js';
import type { Broker } from '../broker/broker.js';
import { StemConfigError } from '../core/errors.js';

/**
 * What becomes of a task that is enqueued:
 *
 * - `fake`: it is recorded, and never runs.
 * - `inline`: it runs before `enqueue` returns, and its retries follow at once.
 * - `drain`: it waits for `tester.drain()` or `tester.advance()`.
 */
export type TestingMode = 'fake' | 'inline' | 'drain';

const MODES: readonly TestingMode[] = ['fake', 'inline', 'drain'];

/** Options of a Stem that a test may set; where the application has its own, these win. */
type StemOptionsOfTests = Pick<
  StemOptions,
  | 'namespace'
  | 'defaultQueue'
  | 'defaultMaxRetries'
  | 'resultTtl'
  | 'beat'
  | 'monitor'
  | 'telemetry'
  | 'tasks'
  | 'allowUnknownTasks'
  | 'limits'
  | 'logger'
>;

/** What `StemTestingModule.forRoot` accepts. */
export interface StemTestingOptions extends StemOptionsOfTests {
  /** What becomes of enqueued tasks. Default `drain`. */
  readonly mode?: TestingMode;
  /** The time at which the virtual clock starts. Default: the present. */
  readonly now?: Date | number;
  /**
   * The Stem that `app.get(StemTester)` is about, where there are several. Default: the one without a name,
   * or the only one.
   */
  readonly name?: string;
}

const KNOWN: readonly string[] = Object.keys({
  mode: true,
  now: true,
  name: true,
  namespace: true,
  defaultQueue: true,
  defaultMaxRetries: true,
  resultTtl: true,
  beat: true,
  monitor: true,
  telemetry: true,
  tasks: true,
  allowUnknownTasks: true,
  limits: true,
  logger: true,
} satisfies Record<keyof StemTestingOptions, true>);

/** The options after checking. */
export interface ResolvedTestingOptions {
  readonly mode: TestingMode;
  /** In milliseconds since 1970. */
  readonly startsAt: number;
  readonly name: string | undefined;
  readonly stem: StemOptionsOfTests;
}

/** @throws {StemConfigError} naming the option at fault. */
export function resolveTestingOptions(options: StemTestingOptions): ResolvedTestingOptions {
  requireObject(options, 'The options of StemTestingModule', 'an object');
  for (const option of Object.keys(options)) {
    if (KNOWN.includes(option)) continue;
    throw new StemConfigError({
      option,
      value: (options as Readonly<Record<string, unknown>>)[option],
      expected: `to be left out of StemTestingModule.forRoot, which takes ${KNOWN.join(', ')}`,
    });
  }
  const { mode = 'drain', now = Date.now(), name, ...stem } = options;
  const startsAt = Number(now);
  if (!Number.isFinite(startsAt)) {
    throw new StemConfigError({ option: 'now', value: now, expected: 'a valid Date, or its time' });
  }
  return { mode: requireOneOf(mode, MODES, 'mode'), startsAt, name, stem };
}

/** Says where things are kept, or how that is reached: a test has it all in memory. */
const ABOUT_STORES = /^STEM_(BROKER_URL|RESULT_BACKEND_URL|SCHEDULE_STORE_URL|TLS_\w+)$/;

/** The configuration of a Stem in a test: as its module says, but on another broker. */
export function configureForTest(
  given: StemOptions,
  over: StemOptionsOfTests,
  broker: Broker,
): ResolvedStemConfig {
  const {
    broker: _broker,
    resultBackend: _resultBackend,
    scheduleStore: _scheduleStore,
    tls: _tls,
    worker,
    ...own
  } = given;
  const { isolation: _isolation, ...ownWorker } = typeof worker === 'object' ? worker : {};
  const environment: Environment = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !ABOUT_STORES.test(name)),
  );
  const overrides = Object.fromEntries(
    Object.entries(over).filter(([, value]) => value !== undefined),
  );
  return resolveStemOptions(
    {
      ...own,
      ...overrides,
      broker,
      // What runs at the same time is decided by who hands the tasks out.
      worker: { ...ownWorker, concurrency: LIMITS.concurrency[1], prefetchMultiplier: 1 },
    },
    environment,
  );
}
