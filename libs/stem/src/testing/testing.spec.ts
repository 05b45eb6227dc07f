import 'reflect-metadata';
import { AssertionError } from 'node:assert';
import {
  Controller,
  Get,
  type INestApplicationContext,
  Injectable,
  Module,
  type Provider,
  type Type,
} from '@nestjs/common';
import { Test } from '@nestjs/testing';
import {
  defineTask,
  InjectStem,
  OnSignal,
  Schedule,
  StemClient,
  StemConfigError,
  StemModule,
  Task,
  TaskCancelledError,
  type TaskContext,
  TaskFailedError,
  UnknownTaskError,
  UnrecoverableTaskError,
} from '../index.js';
import { StemTester, StemTestingModule, type StemTestingOptions } from './index.js';

const open: INestApplicationContext[] = [];
afterEach(async () => {
  for (const app of open.splice(0)) await app.close();
});

const lines: string[] = [];
const logger = {
  log: (line: string) => void lines.push(`log ${line}`),
  warn: (line: string) => void lines.push(`warn ${line}`),
  error: (line: string) => void lines.push(`error ${line}`),
  debug: () => undefined,
};
beforeEach(() => void lines.splice(0));

const NEW_YEAR = new Date('2030-01-01T00:00:00.000Z');

const SendEmail = defineTask<{ recipient: string }, { messageId: string }>('email.send', {
  maxRetries: 3,
  retry: { delay: '10s', jitter: false },
});

/** What handlers do, told to the tests. */
const runs: string[] = [];
beforeEach(() => void runs.splice(0));
let failures = 0;

@Injectable()
class EmailTasks {
  constructor(private readonly stem: StemClient) {}

  @Task(SendEmail)
  async send({ recipient }: { recipient: string }, ctx: TaskContext) {
    runs.push(`${recipient}#${ctx.attempt}`);
    await Promise.resolve();
    if (failures > 0) {
      failures--;
      throw new RangeError(`no route to ${recipient}`);
    }
    return { messageId: `1:${recipient}` };
  }

  @Task('email.digest')
  async digest({ recipients }: { recipients: string[] }, ctx: TaskContext) {
    runs.push('digest');
    for (const recipient of recipients) await ctx.enqueue(SendEmail, { recipient });
    return recipients.length;
  }

  @Task('email.sure', { maxRetries: 0 })
  async sure(args: { recipient: string }) {
    const child = await this.stem.enqueue(SendEmail, args);
    return (await child.result()).messageId;
  }

  @Task('loop.self', { maxRetries: 0 })
  async loop() {
    await this.stem.enqueue('loop.self');
  }

  @Task('email.refused')
  refuse() {
    throw new UnrecoverableTaskError('never');
  }

  @Task('limited', { rateLimit: '1/s' })
  limited({ id }: { id: number }) {
    runs.push(`limited ${id}`);
  }

  @Task('other.queue', { queue: 'others', isolate: true })
  other() {
    runs.push('other');
  }
}

async function boot(
  options: StemTestingOptions,
  { providers = [EmailTasks], imports = [] }: { providers?: Provider[]; imports?: Type[] } = {},
): Promise<{ stem: StemClient; tester: StemTester; app: INestApplicationContext }> {
  const app = await Test.createTestingModule({
    imports: [...imports, StemTestingModule.forRoot({ logger, now: NEW_YEAR, ...options })],
    providers,
  }).compile();
  open.push(app);
  await app.init();
  return { app, stem: app.get(StemClient), tester: app.get(StemTester) };
}

describe("mode 'fake'", () => {
  it('records what is enqueued, in order, and runs nothing', async () => {
    const { stem, tester } = await boot({ mode: 'fake' });
    const first = await stem.enqueue(
      SendEmail,
      { recipient: 'ada' },
      { headers: { tenant: 'a' }, delay: '30s', priority: 9, meta: { from: 'test' } },
    );
    await stem.enqueue('email.digest', { recipients: [] });
    await stem.enqueue(SendEmail, { recipient: 'bob' });

    expect(tester.enqueued(SendEmail).map(({ args }) => args.recipient)).toEqual(['ada', 'bob']);
    expect(tester.enqueued().map(({ name }) => name)).toEqual([
      'email.send',
      'email.digest',
      'email.send',
    ]);
    expect(tester.enqueued('email.send')[0]).toEqual({
      id: first.id,
      name: 'email.send',
      args: { recipient: 'ada' },
      headers: { tenant: 'a' },
      meta: { from: 'test' },
      options: { queue: 'default', priority: 9, delay: 30_000 },
      enqueuedAt: NEW_YEAR,
    });
    await tester.advance('1h');
    expect(runs).toEqual([]);
    expect((await first.status())?.state).toBe('queued');
  });

  it('says why, to whoever waits for a result or drains', async () => {
    const { stem, tester } = await boot({ mode: 'fake' });
    const task = await stem.enqueue(SendEmail, { recipient: 'ada' });
    await expect(task.result()).rejects.toThrow(
      /waits for the result of task 'email.send' .* never comes: in mode 'fake'/,
    );
    await expect(tester.drain()).rejects.toThrow(/In mode 'fake' tasks never run/);
  });

  it('enqueues only once what is unique', async () => {
    const { stem, tester } = await boot({ mode: 'fake' });
    await stem.enqueue('email.refused', {}, { unique: true });
    const second = await stem.enqueue('email.refused', {}, { unique: true });
    expect(second.created).toBe(false);
    expect(tester.enqueued()).toHaveLength(1);
  });
});

describe("mode 'inline'", () => {
  it('runs a task and its children before enqueue returns', async () => {
    const { stem, tester } = await boot({ mode: 'inline' });
    const digest = await stem.enqueue('email.digest', { recipients: ['ada', 'bob'] });
    expect(runs).toEqual(['digest', 'ada#0', 'bob#0']);
    expect(await digest.result()).toBe(2);
    expect(tester.enqueued(SendEmail)).toHaveLength(2);
  });

  it('retries at once, and dead-letters what keeps failing', async () => {
    const { stem, tester } = await boot({ mode: 'inline' });
    failures = 2;
    const task = await stem.enqueue(SendEmail, { recipient: 'ada' });
    expect(runs).toEqual(['ada#0', 'ada#1', 'ada#2']);
    expect(await task.result()).toEqual({ messageId: '1:ada' });

    const refused = await stem.enqueue('email.refused');
    await expect(refused.result()).rejects.toThrow(TaskFailedError);
    expect(await tester.failed()).toMatchObject([
      { name: 'email.refused', reason: 'unrecoverable' },
    ]);
    expect(tester.now()).toEqual(NEW_YEAR);
  });

  it('lets a handler wait for its child', async () => {
    const { stem } = await boot({ mode: 'inline' });
    const task = await stem.enqueue('email.sure', { recipient: 'ada' });
    expect(await task.result()).toBe('1:ada');
  });

  it('runs what was enqueued while the application booted', async () => {
    @Injectable()
    class WarmUp {
      constructor(private readonly stem: StemClient) {}

      async onModuleInit() {
        await this.stem.enqueue(SendEmail, { recipient: 'early' });
      }
    }
    const { tester } = await boot({ mode: 'inline' }, { providers: [EmailTasks, WarmUp] });
    await tester.drain();
    expect(runs).toEqual(['early#0']);
  });

  it('leaves delayed tasks to the clock', async () => {
    const { stem, tester } = await boot({ mode: 'inline' });
    await stem.enqueue(SendEmail, { recipient: 'ada' }, { delay: '30s' });
    await tester.advance('29s');
    expect(runs).toEqual([]);
    await tester.advance('1s');
    expect(runs).toEqual(['ada#0']);
  });

  it('runs several at once where they are enqueued at once', async () => {
    const { stem } = await boot({ mode: 'inline' });
    const tasks = await Promise.all(
      ['ada', 'bob', 'cy'].map((recipient) => stem.enqueue(SendEmail, { recipient })),
    );
    const results = await Promise.all(tasks.map((task) => task.result()));
    expect(results.map(({ messageId }) => messageId)).toEqual(['1:ada', '1:bob', '1:cy']);
    await stem.enqueueMany([
      { task: SendEmail, args: { recipient: 'dan' } },
      { task: 'email.digest', args: { recipients: [] } },
    ]);
    expect(runs.slice(3)).toEqual(['dan#0', 'digest']);
  });

  it('ends a task that enqueues itself for ever', async () => {
    const { stem, tester } = await boot({ mode: 'inline' });
    await expect(stem.enqueue('loop.self')).rejects.toThrow(
      /1000 tasks ran, .*'loop\.self' \(1000\).*enqueues itself/,
    );
    await tester.clear();
    await stem.enqueue(SendEmail, { recipient: 'ada' });
    expect(runs).toEqual(['ada#0']);
  });
});

describe("mode 'drain'", () => {
  it('waits for drain, which runs tasks and their children until nothing is left', async () => {
    const { stem, tester } = await boot({ mode: 'drain' });
    const digest = await stem.enqueue('email.digest', { recipients: ['ada', 'bob'] });
    await stem.enqueue('other.queue');
    expect((await digest.status())?.state).toBe('queued');
    expect(await tester.drain()).toBe(4);
    expect(runs).toEqual(['digest', 'ada#0', 'bob#0', 'other']);
    expect(await digest.result()).toBe(2);
    expect(await tester.drain()).toBe(0);
  });

  it('runs what listeners of signals enqueue', async () => {
    @Injectable()
    class FollowUp {
      constructor(private readonly stem: StemClient) {}

      @OnSignal('taskSucceeded', { task: 'email.digest' })
      async digested() {
        await new Promise((resolve) => setTimeout(resolve, 20));
        await this.stem.enqueue(SendEmail, { recipient: 'boss' });
      }
    }
    const { stem, tester } = await boot({}, { providers: [EmailTasks, FollowUp] });
    await stem.enqueue('email.digest', { recipients: [] });
    await tester.drain();
    expect(runs).toEqual(['digest', 'boss#0']);
  });

  it('runs more than one task while a handler waits for another', async () => {
    const { stem, tester } = await boot({});
    const task = await stem.enqueue('email.sure', { recipient: 'ada' });
    const result = task.result();
    await tester.drain();
    expect(await result).toBe('1:ada');
  });

  it('leaves alone what has no handler here, and what is paused', async () => {
    const Elsewhere = defineTask('elsewhere');
    const { stem, tester } = await boot({ tasks: [Elsewhere] });
    const foreign = await stem.enqueue(Elsewhere);
    const paused = await stem.enqueue(SendEmail, { recipient: 'ada' }, { queue: 'mails' });
    await stem.queues.pause('mails');
    await stem.enqueue(SendEmail, { recipient: 'bob' });
    await tester.drain();
    await tester.advance('1d');
    expect(runs).toEqual(['bob#0']);
    expect(await foreign.status()).toMatchObject({ state: 'queued', deliveries: 0 });
    expect((await paused.status())?.state).toBe('queued');
    await stem.queues.resume('mails');
    await tester.drain();
    expect(runs).toEqual(['bob#0', 'ada#0']);
  });

  it('ends what has no end, naming it', async () => {
    const { stem, tester } = await boot({});
    await stem.enqueue('loop.self');
    await expect(tester.drain({ limit: 50 })).rejects.toThrow(
      /50 tasks ran, .*'loop\.self' \(50\)/,
    );
    await tester.clear();
    expect(await tester.drain()).toBe(0);
  });
});

describe('the virtual clock', () => {
  it('runs retries when their pause is over, in the order in which they come due', async () => {
    const { stem, tester } = await boot({});
    failures = 2;
    const task = await stem.enqueue(SendEmail, { recipient: 'ada' });
    await stem.enqueue(SendEmail, { recipient: 'bob' }, { delay: '25s' });
    await tester.drain();
    expect(await task.status()).toMatchObject({
      state: 'retrying',
      notBefore: new Date(NEW_YEAR.getTime() + 10_000),
    });
    await tester.advance('10s');
    expect(runs).toEqual(['ada#0', 'ada#1']);
    await tester.advance('1m');
    expect(runs).toEqual(['ada#0', 'ada#1', 'bob#0', 'ada#2']);
    expect(await task.status()).toMatchObject({
      state: 'succeeded',
      startedAt: new Date(NEW_YEAR.getTime() + 30_000),
    });
    expect(tester.now()).toEqual(new Date(NEW_YEAR.getTime() + 70_000));
  });

  it('dead-letters what fails to the end of its retries', async () => {
    const { stem, tester } = await boot({});
    failures = Infinity;
    await stem.enqueue(SendEmail, { recipient: 'ada' });
    await tester.advance('1h');
    failures = 0;
    expect(await tester.failed()).toMatchObject([
      {
        name: 'email.send',
        attempt: 3,
        reason: 'retries-exhausted',
        error: { name: 'RangeError' },
        finishedAt: new Date(NEW_YEAR.getTime() + 70_000),
      },
    ]);
  });

  it('expires tasks at their time', async () => {
    const { stem, tester } = await boot({ mode: 'fake' });
    const task = await stem.enqueue(SendEmail, { recipient: 'ada' }, { expires: '5m' });
    await tester.advance('4m');
    expect((await task.status())?.state).toBe('queued');
    await tester.advance('2m');
    expect(await task.status()).toMatchObject({
      state: 'expired',
      finishedAt: new Date(NEW_YEAR.getTime() + 300_000),
    });
  });

  it('spreads tasks under a rate limit', async () => {
    const { stem, tester } = await boot({});
    for (const id of [1, 2, 3]) await stem.enqueue('limited', { id });
    await tester.drain();
    expect(runs).toEqual(['limited 1']);
    await tester.advance('1s');
    expect(runs).toEqual(['limited 1', 'limited 2']);
    await tester.advance('1s');
    expect(runs).toEqual(['limited 1', 'limited 2', 'limited 3']);
  });

  it('fires schedules at their exact times, among everything else', async () => {
    const seen: string[] = [];
    let tester: StemTester | undefined = undefined;
    @Injectable()
    class Nightly {
      @Task('nightly.cleanup')
      @Schedule('0 2 * * *', { args: { deep: true } })
      cleanup() {
        seen.push(`cleanup ${(tester as unknown as StemTester).now().toISOString()}`);
      }

      @Task('pulse')
      @Schedule('every:12h', { id: 'pulse' })
      pulse() {
        seen.push(`pulse ${(tester as unknown as StemTester).now().toISOString()}`);
      }
    }
    const booted = await boot({}, { providers: [Nightly] });
    tester = booted.tester;
    await tester.advance(new Date('2030-01-02T13:00:00Z'));
    expect(seen.filter((line) => line.startsWith('cleanup'))).toEqual([
      'cleanup 2030-01-01T02:00:00.000Z',
      'cleanup 2030-01-02T02:00:00.000Z',
    ]);
    expect(seen.filter((line) => line.startsWith('pulse')).length).toBeGreaterThanOrEqual(2);
    expect([...seen].sort((a, b) => a.slice(-24).localeCompare(b.slice(-24)))).toEqual(seen);
    tester.assertEnqueued('nightly.cleanup', { deep: true }, { times: 2 });
    expect(await booted.stem.schedules.get('nightly.cleanup')).toMatchObject({ runs: 2 });
  });

  it('does not go back', async () => {
    const { tester } = await boot({});
    await expect(tester.advance(new Date('2029-12-31'))).rejects.toThrow(/Time does not go back/);
    await expect(tester.advance('soon' as '1s')).rejects.toThrow(StemConfigError);
  });

  it('keeps the lease of the worker, however long time is let pass', async () => {
    const { stem, tester } = await boot({});
    await tester.advance('30d');
    await stem.enqueue(SendEmail, { recipient: 'ada' });
    await tester.drain();
    expect(runs).toEqual(['ada#0']);
    expect(lines.filter((line) => !line.startsWith('log '))).toEqual([]);
  });
});

describe('run', () => {
  it.each(['fake', 'inline', 'drain'] as const)('runs one task in mode %s', async (mode) => {
    const { stem, tester } = await boot({ mode });
    if (mode !== 'inline') await stem.enqueue(SendEmail, { recipient: 'waits' });
    expect(await tester.run(SendEmail, { recipient: 'ada' })).toEqual({ messageId: '1:ada' });
    expect(runs).toEqual(['ada#0']);
    expect(tester.enqueued()).toHaveLength(mode === 'inline' ? 0 : 1);
  });

  it('throws the very error of the handler, without retries unless they are wanted', async () => {
    const { tester } = await boot({});
    failures = 1;
    await expect(tester.run('email.send', { recipient: 'ada' })).rejects.toBeInstanceOf(RangeError);
    expect(runs).toEqual(['ada#0']);
    failures = 1;
    await tester.run(SendEmail, { recipient: 'bob' }, { retries: true });
    expect(runs).toEqual(['ada#0', 'bob#0', 'bob#1']);
  });

  it('waits for no turn, and says what it cannot run', async () => {
    const { stem, tester } = await boot({ tasks: [defineTask('elsewhere')] });
    for (const id of [1, 2]) await tester.run('limited', { id });
    expect(runs).toEqual(['limited 1', 'limited 2']);
    await expect(tester.run('elsewhere')).rejects.toThrow(UnknownTaskError);
    await expect(tester.run('email.sent')).rejects.toThrow(/email\.send/);
    await stem.queues.pause('default');
    await expect(tester.run('limited', { id: 3 })).rejects.toThrow(/its queue 'default' is paused/);
  });

  it('throws when the task is cancelled while it runs', async () => {
    @Injectable()
    class Slow {
      constructor(private readonly stem: StemClient) {}

      @Task('slow')
      async slow(_args: unknown, ctx: TaskContext) {
        await this.stem.cancel(ctx.id, { reason: 'enough' });
        ctx.signal.throwIfAborted();
      }
    }
    const { tester } = await boot({}, { providers: [Slow] });
    await expect(tester.run('slow')).rejects.toThrow(TaskCancelledError);
  });
});

describe('assertions', () => {
  it('find what was enqueued', async () => {
    const { stem, tester } = await boot({ mode: 'fake' });
    const at = new Date('2030-02-01');
    await stem.enqueue(SendEmail, { recipient: 'ada' }, { headers: { a: '1', b: '2' }, at });
    expect(tester.assertEnqueued(SendEmail).args.recipient).toBe('ada');
    tester.assertEnqueued(SendEmail, { recipient: 'ada' }, { at, times: 1, headers: { a: '1' } });
    tester.assertEnqueued(SendEmail, ({ recipient }) => recipient.length === 3);
    tester.assertEnqueued('email.send', { recipient: expect.stringMatching(/^a/) as string });
    tester.assertNotEnqueued(SendEmail, { recipient: 'bob' });
    tester.assertNotEnqueued('email.digest');
    // @ts-expect-error: not the arguments of this task
    tester.assertNotEnqueued(SendEmail, { recipent: 'bob' });
  });

  it('show how what was enqueued differs', async () => {
    const { stem, tester } = await boot({ mode: 'fake' });
    expect(() => tester.assertEnqueued(SendEmail)).toThrow(
      "Expected task 'email.send' to be enqueued; nothing was.",
    );
    await stem.enqueue(SendEmail, { recipient: 'ada' }, { queue: 'mails' });
    await stem.enqueue(SendEmail, { recipient: 'bob' }, { queue: 'other' });
    const failureOf = (action: () => unknown): AssertionError => {
      try {
        action();
      } catch (error) {
        expect(error).toBeInstanceOf(AssertionError);
        return error as AssertionError;
      }
      throw new Error('It did not fail');
    };
    const { message, actual, expected } = failureOf(() =>
      tester.assertEnqueued(SendEmail, { recipient: 'adam' }, { queue: 'mails' }),
    );
    expect(message).toMatch(
      /^Expected task 'email\.send' as expected to be enqueued; 2 were, and differs:\n/,
    );
    expect(message).toMatch(/\+ +recipient: 'ada'\n- +recipient: 'adam'/);
    expect(message).not.toMatch(/^[+-].*mails/m);
    expect({ actual, expected }).toEqual({
      actual: { args: { recipient: 'ada' }, queue: 'mails' },
      expected: { args: { recipient: 'adam' }, queue: 'mails' },
    });
    expect(failureOf(() => tester.assertEnqueued('email.digest')).message).toBe(
      "Expected task 'email.digest' to be enqueued; there were 'email.send' (2).",
    );
    expect(failureOf(() => tester.assertEnqueued(SendEmail, undefined, { times: 1 })).message).toBe(
      "Expected task 'email.send' to be enqueued once; it was, 2 times.",
    );
    expect(failureOf(() => tester.assertNotEnqueued(SendEmail)).message).toBe(
      `Expected task 'email.send' not to be enqueued; it was, 2 times, first with {"recipient":"ada"}.`,
    );
    expect(failureOf(() => tester.assertNotEnqueued()).message).toBe(
      "Expected no task to be enqueued; there were 'email.send' (2).",
    );
  });
});

describe('an application as it is', () => {
  const NOWHERE = 'redis://127.0.0.1:1';

  @Controller()
  class SignUp {
    constructor(private readonly stem: StemClient) {}

    @Get()
    signUp(recipient: string) {
      return this.stem.enqueue(SendEmail, { recipient });
    }
  }

  @Module({ controllers: [SignUp], providers: [EmailTasks] })
  class Feature {}

  @Module({
    imports: [
      StemModule.forRoot({
        broker: NOWHERE,
        resultBackend: NOWHERE,
        scheduleStore: NOWHERE,
        worker: false,
        defaultQueue: 'own',
        logger,
      }),
      Feature,
    ],
  })
  class WithForRoot {}

  @Module({
    imports: [
      StemModule.forRootAsync({
        useFactory: () => Promise.resolve({ broker: NOWHERE, defaultQueue: 'own', logger }),
      }),
      Feature,
    ],
  })
  class WithForRootAsync {}

  const forms = [
    ['forRoot', WithForRoot],
    ['forRootAsync', WithForRootAsync],
  ] as const;

  it.each(forms)('works in memory: %s', async (_, AppModule) => {
    const { app, stem, tester } = await boot(
      { mode: 'inline' },
      { providers: [], imports: [AppModule] },
    );
    const task = await app.get(SignUp).signUp('ada');
    expect(await task.result()).toEqual({ messageId: '1:ada' });
    expect(await stem.task(task.id).result()).toEqual({ messageId: '1:ada' });
    expect(tester.assertEnqueued(SendEmail).options.queue).toBe('own');
  });

  it.each(forms)('wherever the testing module stands: %s', async (_, AppModule) => {
    const app = await Test.createTestingModule({
      imports: [StemTestingModule.forRoot({ mode: 'fake' }), AppModule],
    }).compile();
    open.push(app);
    await app.init();
    await app.get(SignUp).signUp('ada');
    app.get(StemTester).assertEnqueued(SendEmail, { recipient: 'ada' });
  });

  it('does not look at the variables that name a broker', async () => {
    const before = process.env['STEM_BROKER_URL'];
    process.env['STEM_BROKER_URL'] = NOWHERE;
    process.env['STEM_DEFAULT_QUEUE'] = 'from-variable';
    try {
      const { stem, tester } = await boot({ mode: 'inline' });
      await (await stem.enqueue(SendEmail, { recipient: 'ada' })).result();
      expect(tester.assertEnqueued(SendEmail).options.queue).toBe('from-variable');
    } finally {
      delete process.env['STEM_DEFAULT_QUEUE'];
      if (before === undefined) delete process.env['STEM_BROKER_URL'];
      else process.env['STEM_BROKER_URL'] = before;
    }
  });

  it('has options of tests win over its own', async () => {
    const { stem, tester } = await boot(
      { mode: 'fake', defaultQueue: 'tests' },
      { providers: [], imports: [WithForRoot] },
    );
    await stem.enqueue(SendEmail, { recipient: 'ada' });
    tester.assertEnqueued(SendEmail, undefined, { queue: 'tests' });
  });

  it('may have several Stems, on one clock', async () => {
    @Injectable()
    class Billing {
      constructor(@InjectStem('billing') readonly stem: StemClient) {}

      @Task('invoice', { stem: 'billing' })
      async invoice() {
        runs.push('invoice');
        await this.stem.enqueue('paid', {}, { delay: '1m' });
      }

      @Task('paid', { stem: 'billing' })
      paid() {
        runs.push('paid');
      }
    }
    @Module({
      imports: [
        StemModule.forRoot({ broker: NOWHERE, logger }),
        StemModule.forRoot({ name: 'billing', broker: NOWHERE, logger }),
      ],
      providers: [EmailTasks, Billing],
    })
    class AppModule {}
    const { app, stem, tester } = await boot({}, { providers: [], imports: [AppModule] });
    await app.get(Billing).stem.enqueue('invoice');
    await stem.enqueue(SendEmail, { recipient: 'ada' }, { delay: '30s' });
    await tester.advance('1h');
    expect(runs).toEqual(['invoice', 'ada#0', 'paid']);
    expect(tester.enqueued().map(({ name }) => name)).toEqual(['email.send']);
    expect(
      tester
        .of('billing')
        .enqueued()
        .map(({ name }) => name),
    ).toEqual(['invoice', 'paid']);
    expect(() => tester.of('biling')).toThrow(
      "There is no Stem 'biling'; there are default, billing.",
    );
  });

  it('may have a single Stem with a name', async () => {
    @Module({ imports: [StemModule.forRoot({ name: 'only', broker: NOWHERE, logger })] })
    class AppModule {}
    const { tester, stem } = await boot({ mode: 'fake' }, { imports: [AppModule], providers: [] });
    expect(tester.enqueued()).toEqual([]);
    expect(() => stem.enqueue('x')).toThrow(
      /has no Stem 'default'; there are only\. .*@InjectStem\('only'\)/,
    );
  });
});

describe('several tests with one application', () => {
  it('begin anew after clear', async () => {
    const { stem, tester } = await boot({});
    await stem.enqueue('email.refused', {}, { id: 'mine' });
    await stem.enqueue('limited', { id: 1 }, { unique: true });
    await tester.drain();
    await stem.enqueue(SendEmail, { recipient: 'ada' }, { id: 'waits', unique: true });
    await stem.queues.pause('default');
    await tester.clear();

    expect(tester.enqueued()).toEqual([]);
    expect(await tester.failed()).toEqual([]);
    expect(await stem.task('mine').status()).toBeUndefined();
    const again = await stem.enqueue(
      SendEmail,
      { recipient: 'ada' },
      { id: 'waits', unique: true },
    );
    expect(again.created).toBe(true);
    await stem.enqueue('limited', { id: 2 });
    await tester.drain();
    expect(runs).toEqual(['limited 1', 'ada#0', 'limited 2']);
  });
});

describe('mistakes', () => {
  it('are told at once', async () => {
    expect(() => StemTestingModule.forRoot({ mode: 'sync' as 'fake' })).toThrow(/mode is 'sync'/);
    expect(() => StemTestingModule.forRoot({ broker: 'redis://x' } as StemTestingOptions)).toThrow(
      /broker is .*expected to be left out of StemTestingModule/,
    );
    expect(() => StemTestingModule.forRoot({ now: new Date('x') })).toThrow(
      /now is .*a valid Date/,
    );
  });

  it('such as an expectation or a limit that is none are refused', async () => {
    const { tester } = await boot({ mode: 'drain' });
    const misspelled = { que: 'mails' } as object;
    expect(() => tester.assertEnqueued(SendEmail, undefined, misspelled)).toThrow(
      /did you mean 'queue'/,
    );
    expect(() => tester.assertNotEnqueued(SendEmail, undefined, misspelled)).toThrow(
      StemConfigError,
    );
    await expect(tester.drain({ limit: 0 })).rejects.toThrow(/limit is 0/);
    await expect(tester.advance('1s', { limit: 1.5 })).rejects.toThrow(/limit is 1\.5/);
  });

  it('such as a missing init are explained', async () => {
    const app = await Test.createTestingModule({
      imports: [StemTestingModule.forRoot({ logger })],
      providers: [EmailTasks],
    }).compile();
    const tester = app.get(StemTester);
    await expect(tester.run(SendEmail, { recipient: 'ada' })).rejects.toThrow(/app\.init\(\)/);
    await expect(tester.advance('1m')).rejects.toThrow(/app\.init\(\)/);
  });
});
