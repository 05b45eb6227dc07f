import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type INestApplicationContext, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  type IsolationOptions,
  MemoryBroker,
  type SignalPayloads,
  StemClient,
  StemConfigError,
  StemModule,
  type StemOptions,
  Task,
  TaskCancelledError,
  TaskFailedError,
  type TaskHandle,
  type WorkerOptions,
} from 'nestjs-stem';
import { StemWorkerHost } from '../../libs/stem/src/nest/stem-worker-host.js';
import { eventually } from '../contract/broker-harness.js';
import { buildIsolationApps, type IsolationApps } from '../support/isolation-apps.js';
import { freshNamespace, gate, RememberingLogger } from '../support/stem.js';
import { type RedisServer, startRedisServer } from '../support/redis-server.js';
import { TasksModule } from './fixtures/isolation/tasks.module.js';

/*
 * Real threads: each boots the compiled fixture application, with the library compiled beside it. This
 * process itself runs both from source.
 */

let mockApps: IsolationApps;
jest.mock('../../libs/stem/src/nest/isolation/native.cjs', () => ({
  get threadEntry() {
    return mockApps.threadEntry;
  },
}));

const SOON = { timeout: '10s' } as const;
const run = promisify(execFile);
let redis: RedisServer;
/** In memory, with one thread; for all tests that need nothing else, since each boot takes its time. */
let shared: App;

beforeAll(async () => {
  mockApps = buildIsolationApps();
  redis = await startRedisServer();
  shared = await boot();
  open.length = 0;
});
afterAll(async () => {
  await shared.close();
  await redis.stop();
  mockApps.remove();
});

const open: App[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((app) => app.close()));
});

/** One booted application. */
interface App {
  readonly stem: StemClient;
  readonly host: StemWorkerHost;
  readonly log: RememberingLogger;
  close(): Promise<void>;
}

type Options = Partial<IsolationOptions> & {
  readonly worker?: WorkerOptions;
  readonly stem?: StemOptions;
};

async function boot({ worker, stem, ...isolation }: Options = {}): Promise<App> {
  const log = new RememberingLogger();
  @Module({
    imports: [
      TasksModule,
      StemModule.forRoot({
        logger: log,
        ...stem,
        worker: {
          concurrency: 4,
          ...worker,
          isolation: { module: join(mockApps.esm, 'app.module.js'), threads: 1, ...isolation },
        },
      }),
    ],
  })
  class Root {}
  const app = await create(Root, log);
  const opened = {
    stem: app.get(StemClient),
    host: app.get(StemWorkerHost, { strict: false }),
    log,
    close: () => app.close(),
  };
  open.push(opened);
  return opened;
}

function create(root: new () => object, log: RememberingLogger): Promise<INestApplicationContext> {
  return NestFactory.createApplicationContext(root, {
    logger: {
      log: (...parts: unknown[]) => log.log(parts.join(' ')),
      warn: (...parts: unknown[]) => log.warn(parts.join(' ')),
      error: (...parts: unknown[]) => log.error(parts.join(' ')),
    },
    abortOnError: false,
  });
}

/** Resolves when a task has shown progress, and so is running. */
async function running(task: TaskHandle): Promise<void> {
  await eventually(async () => expect((await task.status())?.progress).toBeDefined());
}

async function failure(promise: Promise<unknown>): Promise<Error & Record<string, unknown>> {
  return promise.then(
    () => {
      throw new Error('It should have failed.');
    },
    (error: unknown) => error as Error & Record<string, unknown>,
  );
}

/** What an awaited task failed with, in its handler's own words. */
async function causeOf(task: TaskHandle): Promise<Error & Record<string, unknown>> {
  const error = await failure(task.result(SOON));
  expect(error).toBeInstanceOf(TaskFailedError);
  return error.cause as Error & Record<string, unknown>;
}

describe('an isolated task', () => {
  it('runs in a thread, with its providers injected, while others do not', async () => {
    const { stem } = shared;
    const task = await stem.enqueue('greet', { name: 'Ada' });
    expect(await task.result(SOON)).toEqual({ greeting: 'Hello, Ada!', isMainThread: false });
    const inline = await stem.enqueue('inline');
    expect(await inline.result(SOON)).toEqual({ isMainThread: true });
  });

  it('runs on Redis, over the connections of the worker', async () => {
    const { stem } = await boot({ stem: { broker: redis.url(), namespace: freshNamespace() } });
    const task = await stem.enqueue('family', {}, { headers: { tenant: 'a' } });
    const { child, own } = (await task.result(SOON)) as { child: string; own: object };
    expect(own).toEqual({ isMainThread: true });
    expect(await stem.task(child).result(SOON)).toMatchObject({ headers: { tenant: 'a' } });
  });

  it('has the context of any other task', async () => {
    const { stem } = shared;
    const task = await stem.enqueue('look', { a: 1 }, { headers: { h: 'x' }, meta: { m: [1] } });
    expect(await task.result(SOON)).toEqual({
      args: { a: 1 },
      id: task.id,
      name: 'look',
      queue: 'default',
      attempt: 0,
      maxRetries: 7,
      deliveries: 1,
      headers: { h: 'x' },
      meta: { m: [1] },
      enqueuedAt: true,
    });
  });

  it('reports progress, renews its lease and logs through the worker', async () => {
    const { stem, log } = shared;
    const task = await stem.enqueue('report');
    expect(await task.result(SOON)).toBe('StemConfigError STEM_CONFIG_INVALID');
    expect(await task.status()).toMatchObject({
      progress: { fraction: 0.5, data: { step: 'half' } },
    });
    expect(log.lines).toContain(`warn report ${task.id}: half way`);
  });

  it('enqueues through its context and through the injected client, in memory too', async () => {
    const { stem } = shared;
    const task = await stem.enqueue('family', {}, { headers: { tenant: 'a' } });
    const { child, own } = (await task.result(SOON)) as { child: string; own: object };
    expect(own).toEqual({ isMainThread: true });
    expect(await stem.task(child).result(SOON)).toMatchObject({
      args: { by: 'context' },
      headers: { tenant: 'a' },
      meta: { 'stem.parentTaskId': task.id },
    });
  });

  it('logs with the logger of the application', async () => {
    // Nest has one logger per process: that of the application that was booted last.
    const { stem, log } = await boot();
    const before = log.lines.length;
    await (await stem.enqueue('log')).result(SOON);
    expect(log.lines.slice(before)).toEqual(["warn { text: 'an object', f: [Function: f] } Tasks"]);
    expect(log.lines.filter((line) => line.includes('Starting Nest'))).toHaveLength(1);
  });

  it('shows its result to listeners', async () => {
    const { stem } = shared;
    const seen = gate<SignalPayloads['taskSucceeded']>();
    stem.signals.on('taskSucceeded', (payload) => seen.open(payload));
    await stem.enqueue('greet', { name: 'Ada' });
    expect(await seen.promise).toMatchObject({ result: { greeting: 'Hello, Ada!' } });
  });
});

describe('the errors of an isolated task', () => {
  it('cross with name, message, code, stack and cause', async () => {
    const { stem } = shared;
    const cause = await causeOf(await stem.enqueue('typed'));
    expect(cause).toMatchObject({
      name: 'OutOfStockError',
      message: 'out of stock',
      code: 'E_STOCK',
      cause: { name: 'RangeError', message: 'shelf is empty' },
    });
    expect(cause.stack).toContain('tasks.module');
  });

  it('are judged by the classes and tests of the retry policy', async () => {
    const { stem } = shared;
    const task = await stem.enqueue('matched');
    await causeOf(task);
    expect(await stem.deadLetters.get(task.id)).toMatchObject({
      attempt: 2,
      reason: 'not-retryable',
    });
  });

  it('end the retries when they are unrecoverable', async () => {
    const { stem } = shared;
    const task = await stem.enqueue('hopeless');
    expect(await causeOf(task)).toMatchObject({
      name: 'UnrecoverableTaskError',
      message: 'no such customer',
      code: 'STEM_TASK_UNRECOVERABLE',
    });
    expect(await stem.deadLetters.get(task.id)).toMatchObject({
      attempt: 0,
      reason: 'unrecoverable',
    });
  });

  it('ask for another attempt by ctx.retry, at its time', async () => {
    const { stem } = shared;
    const task = await stem.enqueue('again');
    expect(await task.result(SOON)).toBe('asked for');
    expect(await task.status()).toMatchObject({ attempt: 1 });
  });

  it('tell of a result that JSON cannot carry, without another try', async () => {
    const { stem } = shared;
    const task = await stem.enqueue('function');
    expect(await causeOf(task)).toMatchObject({ name: 'TaskArgsError' });
    expect(await stem.deadLetters.get(task.id)).toMatchObject({
      attempt: 0,
      reason: 'result-not-serialisable',
    });
  });
});

describe('limits and cancelling', () => {
  it('aborts the signal at the soft limit, with its reason', async () => {
    const { stem } = shared;
    const task = await stem.enqueue('soft');
    expect(await task.result(SOON)).toMatch(/^true: SoftTimeLimitError: .*30 ms/);
  });

  it('ends an endless loop at its hard limit, and has a fresh thread', async () => {
    const { stem, host } = shared;
    const task = await stem.enqueue('spin');
    const next = await stem.enqueue('greet', { name: 'Ada' });

    expect(await causeOf(task)).toMatchObject({ name: 'HardTimeLimitError' });
    expect(await next.result(SOON)).toMatchObject({ isMainThread: false });
    const { startedAt, finishedAt } = (await task.status()) as {
      startedAt: Date;
      finishedAt: Date;
    };
    expect(finishedAt.getTime() - startedAt.getTime()).toBeLessThan(150 + 100);
    expect(host.worker?.running).toBe(0);
  });

  it('kills on a cancel that says so', async () => {
    const { stem } = shared;
    const task = await stem.enqueue('spin-freely');
    await running(task);
    await stem.cancel(task.id, { terminate: true, reason: 'enough' });
    expect(await failure(task.result(SOON))).toBeInstanceOf(TaskCancelledError);
    expect(await (await stem.enqueue('greet', { name: 'Ada' })).result(SOON)).toBeDefined();
  });

  it('aborts the signal on any other cancel', async () => {
    const { stem, log } = shared;
    const task = await stem.enqueue('patient');
    await running(task);
    await stem.cancel(task.id);
    expect(await failure(task.result(SOON))).toBeInstanceOf(TaskCancelledError);
    expect(log.lines).toContain(`log patient ${task.id}: told to stop: true`);
  });

  it('ends what ignores its signal when the lease is lost, for others run it now', async () => {
    let now = Date.now();
    const broker = new MemoryBroker({ clock: { now: () => now } });
    const worker = { visibilityTimeout: 1_000 };
    const { stem, log } = await boot({ stem: { broker }, worker });
    const task = await stem.enqueue('spin-freely');
    await running(task);

    now += 2_000;
    await broker.reclaim({ maxLosses: 3 });

    const next = await stem.enqueue('greet', { name: 'Ada' });
    await stem.cancel(task.id, { reason: 'once is enough' });

    // Neither would come to its end while the first run held the one thread.
    expect(await failure(task.result(SOON))).toBeInstanceOf(TaskCancelledError);
    expect(await next.result(SOON)).toBeDefined();
    expect(log.lines.join()).toMatch(/lost its lease/);
  });

  it('cancels a task that waits for a thread, and harms no other', async () => {
    const { stem } = shared;
    const [first, second] = [await stem.enqueue('patient'), await stem.enqueue('patient')];
    await running(first);
    await eventually(async () => expect((await second.status())?.state).toBe('running'));
    await stem.cancel(second.id);
    expect(await failure(second.result(SOON))).toBeInstanceOf(TaskCancelledError);
    expect((await first.status())?.state).toBe('running');
    await stem.cancel(first.id);
    await failure(first.result(SOON));
  });
});

describe('a thread that ends under its task', () => {
  it('by process.exit fails the attempt, and the next has a fresh thread', async () => {
    const { stem } = shared;
    const retried = gate<SignalPayloads['taskRetry']>();
    stem.signals.on('taskRetry', (payload) => retried.open(payload));
    const task = await stem.enqueue('exit');
    expect(await task.result(SOON)).toBe('second try');
    expect((await retried.promise).error).toMatchObject({
      code: 'STEM_THREAD_CRASHED',
      crash: 'exit',
      message: expect.stringContaining('process.exit(7)') as string,
    });
  });

  it('by an error that nobody caught fails the attempt', async () => {
    const { stem } = shared;
    expect(await causeOf(await stem.enqueue('stray'))).toMatchObject({
      name: 'ThreadCrashedError',
      cause: { message: 'stray' },
    });
    expect(await (await stem.enqueue('greet', { name: 'Ada' })).result(SOON)).toBeDefined();
  });

  it('by lack of memory fails the attempt', async () => {
    const { stem } = await boot({ maxMemoryPerThread: '64mb' });
    expect(await causeOf(await stem.enqueue('hog'))).toMatchObject({
      name: 'ThreadCrashedError',
      message: expect.stringContaining('out of memory') as string,
    });
    expect(await (await stem.enqueue('greet', { name: 'Ada' })).result(SOON)).toBeDefined();
  });
});

describe('threads', () => {
  const threadOf = async (stem: StemClient, name: string, args = {}): Promise<number> =>
    ((await (await stem.enqueue(name, args)).result(SOON)) as { threadId: number }).threadId;

  it('are kept, and the application in them', async () => {
    const { stem } = shared;
    const results = [];
    for (let i = 0; i < 3; i++) results.push(await (await stem.enqueue('count')).result(SOON));
    const { threadId } = results[0] as { threadId: number };
    expect(results).toEqual([1, 2, 3].map((run) => ({ threadId, run })));
  });

  it('are replaced after so many tasks, with the application in them closed', async () => {
    const { stem, log } = await boot({ maxTasksPerThread: 2 });
    const ids = [];
    for (let i = 0; i < 4; i++) ids.push(await threadOf(stem, 'count'));
    expect(ids[1]).toBe(ids[0]);
    expect(ids[2]).not.toBe(ids[0]);
    expect(ids[3]).toBe(ids[2]);
    expect(log.lines).toContain(`log thread ${ids[0]} closes Greeter`);
  });

  it('are replaced when they hold too much memory', async () => {
    const { stem } = await boot({ maxMemoryPerThread: '100mb' });
    const light = await threadOf(stem, 'keep', { megabytes: 1 });
    expect(await threadOf(stem, 'keep', { megabytes: 80 })).toBe(light);
    expect(await threadOf(stem, 'keep', { megabytes: 1 })).not.toBe(light);
  });

  it('run one task each, as many at once as there are threads', async () => {
    const { stem } = await boot({ threads: 2 });
    const tasks: TaskHandle[] = [];
    for (let i = 0; i < 3; i++) tasks.push(await stem.enqueue('patient'));
    const shown = async (): Promise<boolean[]> =>
      Promise.all(tasks.map(async (task) => (await task.status())?.progress !== undefined));
    await eventually(async () => expect((await shown()).filter(Boolean)).toHaveLength(2));
    expect((await shown()).filter(Boolean)).toHaveLength(2);
    await Promise.all(tasks.map((task) => stem.cancel(task.id)));
    for (const task of tasks) await failure(task.result(SOON));
  });
});

describe('stopping', () => {
  it('waits for an isolated task, then closes the application in its thread', async () => {
    const { stem, host, log } = await boot();
    const task = await stem.enqueue('patient');
    await running(task);
    const stopped = host.drain(10_000);
    await stem.cancel(task.id);
    await stopped;
    expect((await task.status())?.state).toBe('cancelled');
    expect(log.lines.join('\n')).toMatch(/thread \d+ closes/);
  });

  it('gives back what does not end in time, and leaves no thread behind', async () => {
    const { stem, host } = await boot();
    const task = await stem.enqueue('spin-freely');
    await running(task);
    await host.drain(20);
    expect(await task.status()).toMatchObject({ state: 'queued', attempt: 0, deliveries: 0 });
    expect(host.worker?.threads).toBe(0);
  });

  it('waits for nothing when it is hard', async () => {
    const { stem, host } = await boot();
    const task = await stem.enqueue('spin-freely');
    await running(task);
    await host.worker?.stop({ mode: 'hard' });
    expect((await task.status())?.state).toBe('queued');
    expect(host.worker?.threads).toBe(0);
  });
});

describe('options that cannot work fail the boot', () => {
  const refused = async (options: Options): Promise<string> => {
    const error = await failure(boot(options));
    expect(error).toBeInstanceOf(StemConfigError);
    return error.message;
  };
  const broken = (name: string): Options => ({
    module: join(mockApps.esm, 'broken.module.js'),
    export: name,
  });

  it('without a module, saying what to write', async () => {
    @Module({
      imports: [TasksModule, StemModule.forRoot({ logger: new RememberingLogger() })],
    })
    class Root {}
    const error = await failure(create(Root, new RememberingLogger()));
    expect(error).toBeInstanceOf(StemConfigError);
    expect(error.message).toMatch(/worker\.isolation\.module is missing.*import\.meta\.url/);
    expect(error.message).toMatch(/@Task on IsolatedTasks/);
  });

  it.each<[string, () => Options, RegExp]>([
    ['a relative path', () => ({ module: './app.module.js' }), /isolation\.module.*absolute path/],
    ['a missing file', () => ({ module: '/nowhere/app.js' }), /nowhere.*a file that exists/],
    ['no thread', () => ({ threads: 0 }), /isolation\.threads is 0/],
    ['no task per thread', () => ({ maxTasksPerThread: 0 }), /maxTasksPerThread is 0/],
    ['little memory', () => ({ maxMemoryPerThread: '1mb' }), /maxMemoryPerThread is '1mb'.*32mb/],
    ['all the memory', () => ({ maxMemoryPerThread: '9999gb' }), /maxMemoryPerThread/],
    ['an unknown option', () => ({ thread: 1 }) as Options, /did you mean.*isolation\.threads/],
    ['an export that is no module', () => broken('Nothing'), /export is 'Nothing'.*FailingModule/],
    [
      'several modules',
      () => ({ module: join(mockApps.esm, 'broken.module.js') }),
      /which of its modules is the root: .*FailingModule/,
    ],
    ['a module that cannot boot', () => broken('FailingModule'), /boots.*Error: no database/],
    ['a module that exits', () => broken('ExitingModule'), /process\.exit\(3\) was called/],
    ['a module without the tasks', () => broken('TasklessModule'), /it lacks 'greet', 'look'/],
  ])('%s', async (_what, options, message) => {
    expect(await refused(options())).toMatch(message);
  });

  it('a hard limit below the soft one', () => {
    class Tasks {
      @Task('x', { isolate: true, softTimeLimit: '2s', hardTimeLimit: '1s' })
      x(): void {}
    }
    @Module({
      imports: [StemModule.forRoot({ logger: new RememberingLogger() })],
      providers: [Tasks],
    })
    class Root {}
    return expect(create(Root, new RememberingLogger())).rejects.toThrow(
      /hardTimeLimit of .*Tasks\.x/,
    );
  });
});

describe('an application in a process of its own', () => {
  const RUNNER = ['--import', '@swc-node/register/esm-register'];

  it.each<[string, keyof IsolationApps, string, string[]]>([
    ['ES modules', 'esm', 'js', []],
    ['CommonJS', 'cjs', 'js', []],
    ['TypeScript, under the development runner', 'ts', 'ts', RUNNER],
  ])('runs its isolated tasks from %s', async (_what, kind, extension, flags) => {
    const folder = mockApps[kind] as string;
    const { stdout } = await run(process.execPath, [...flags, `main.${extension}`], {
      cwd: folder,
      env: { ...process.env, APP_MODULE: join(folder, `app.module.${extension}`) },
    });
    expect(JSON.parse(stdout)).toEqual({ greeting: 'Hello, Ada!', isMainThread: false });
  });
});
