import { EventEmitter, on } from 'node:events';
import {
  Controller,
  type DynamicModule,
  type INestApplicationContext,
  Injectable,
  type OnApplicationShutdown,
  type OnModuleDestroy,
  type OnModuleInit,
  Module,
  Scope,
  type Type,
} from '@nestjs/common';
import { Test } from '@nestjs/testing';
import {
  type Broker,
  BrokerUnavailableError,
  defineTask,
  DuplicateTaskError,
  getStemToken,
  gracefulShutdown,
  InjectStem,
  MemoryBroker,
  OnSignal,
  type SignalPayloads,
  StemClient,
  StemClosedError,
  StemConfigError,
  StemModule,
  type StemOptions,
  type StemOptionsFactory,
  Task,
  type TaskArgs,
  type TaskContext,
  type TaskHandler,
  type TaskLogger,
  UnknownTaskError,
} from '../index.js';

const lines: string[] = [];
const logger: TaskLogger = {
  log: (line) => void lines.push(line),
  warn: (line) => void lines.push(line),
  error: (line) => void lines.push(line),
  debug: () => undefined,
};
const SOON = { timeout: '10s' } as const;

let apps: INestApplicationContext[] = [];
let environment: NodeJS.ProcessEnv;

beforeEach(() => {
  environment = process.env;
  process.env = { ...environment };
  lines.length = 0;
});

afterEach(async () => {
  process.env = environment;
  await Promise.all(apps.map((app) => app.close()));
  apps = [];
});

interface Parts {
  imports?: (DynamicModule | Type)[];
  providers?: NonNullable<Parameters<typeof Test.createTestingModule>[0]['providers']>;
  controllers?: Type[];
}

/** An application with these parts, booted; it is closed after the test. */
async function boot({ imports = [], providers = [], controllers = [] }: Parts) {
  const module = await Test.createTestingModule({ imports, providers, controllers }).compile();
  const app = module.createNestApplication({ logger: false });
  apps.push(app);
  await app.init();
  return app;
}

const bootWith = (providers: Parts['providers'] = [], options: StemOptions = {}) =>
  boot({ imports: [StemModule.forRoot({ logger, ...options })], providers });

/** What the boot failed with. */
async function failure(booting: Promise<unknown>): Promise<Error> {
  return booting.then(
    () => {
      throw new Error('it booted');
    },
    (error: unknown) => error as Error,
  );
}

@Injectable()
class EmailTasks {
  readonly from = 'stem@example.com';

  @Task('email.send', 5)
  send(args: { to: string }, context: TaskContext) {
    return { from: this.from, to: args.to, maxRetries: context.maxRetries };
  }
}

describe('StemModule.forRoot', () => {
  it('runs the tasks of providers, in memory, without any options', async () => {
    const app = await boot({ imports: [StemModule.forRoot({ logger })], providers: [EmailTasks] });
    const task = await app.get(StemClient).enqueue('email.send', { to: 'ada' });
    expect(await task.result(SOON)).toEqual({ from: 'stem@example.com', to: 'ada', maxRetries: 5 });
  });

  it('runs the tasks of controllers', async () => {
    @Controller()
    class Pages {
      @Task('page.render')
      render() {
        return 'page';
      }
    }
    const app = await boot({ imports: [StemModule.forRoot({ logger })], controllers: [Pages] });
    const task = await app.get(StemClient).enqueue('page.render');
    expect(await task.result(SOON)).toBe('page');
  });

  it('runs a class that is a handler, and takes several names on one method', async () => {
    @Injectable()
    @Task('digest', { maxRetries: 1 })
    class Digest implements TaskHandler<{ n: number }, number> {
      call(args: { n: number }) {
        return args.n + 1;
      }

      @Task('old.name')
      @Task('new.name')
      both(_args: unknown, { name }: TaskContext) {
        return name;
      }
    }
    const app = await bootWith([Digest]);
    const stem = app.get(StemClient);
    const tasks = await stem.enqueueMany([
      { task: 'digest', args: { n: 1 } },
      { task: 'old.name' },
      { task: 'new.name' },
    ]);
    expect(await Promise.all(tasks.map((task) => task.result(SOON)))).toEqual([
      2,
      'old.name',
      'new.name',
    ]);
  });

  it('runs inherited handlers, those of factories, and each instance once', async () => {
    abstract class Base {
      abstract word: string;
      @Task('say')
      say() {
        return this.word;
      }
    }
    @Injectable()
    class Polite extends Base {
      word = 'please';
    }
    const app = await bootWith([
      { provide: 'polite', useFactory: () => new Polite() },
      { provide: 'alias', useExisting: 'polite' },
    ]);
    const task = await app.get(StemClient).enqueue('say');
    expect(await task.result(SOON)).toBe('please');
  });

  it('takes name, options and types from a definition', async () => {
    const Add = defineTask<{ a: number; b: number }, number>('add', { queue: 'sums' });
    class Sums {
      @Task(Add, { maxRetries: 7 })
      add({ a, b }: TaskArgs<typeof Add>, { queue, maxRetries }: TaskContext) {
        lines.push(`${queue} ${maxRetries}`);
        return a + b;
      }

      // @ts-expect-error -- the result is a number
      @Task(Add)
      wrong() {
        return 'a text';
      }
    }
    Reflect.deleteProperty(Sums.prototype, 'wrong');
    const app = await bootWith([Sums], { worker: { queues: ['sums'] }, tasks: [Add] });
    const task = await app.get(StemClient).enqueue(Add, { a: 1, b: 2 });
    const sum: number = await task.result(SOON);
    expect(sum).toBe(3);
    expect(lines).toContain('sums 7');
  });

  it('runs nothing with worker: false, but enqueues', async () => {
    const app = await bootWith([EmailTasks], { worker: false });
    const task = await app.get(StemClient).enqueue('email.send', { to: 'ada' });
    expect((await task.status())?.state).toBe('queued');
    expect(lines.join()).toContain('no worker in this process');
  });

  it('knows the definitions a producer lists, and refuses other names', async () => {
    const app = await bootWith([], { worker: false, tasks: [defineTask('elsewhere')] });
    const stem = app.get(StemClient);
    expect((await stem.enqueue('elsewhere')).created).toBe(true);
    await expect(stem.enqueue('elswhere')).rejects.toThrow(UnknownTaskError);
  });

  it('lets a handler enqueue a child', async () => {
    class Family {
      @Task('parent')
      async parent(_args: unknown, context: TaskContext) {
        return (await context.enqueue('child')).id;
      }
      @Task('child')
      child(_args: unknown, { headers, meta }: TaskContext) {
        return [headers, meta];
      }
    }
    const app = await bootWith([Family]);
    const stem = app.get(StemClient);
    const parent = await stem.enqueue<string>('parent', {}, { headers: { tenant: 'a' } });
    const child = stem.task(await parent.result(SOON));
    expect(await child.result(SOON)).toEqual([
      { tenant: 'a' },
      { 'stem.parentTaskId': parent.id, 'stem.rootTaskId': parent.id },
    ]);
  });

  it('reads STEM_* variables, below the options', async () => {
    process.env['STEM_NAMESPACE'] = 'from-env';
    process.env['STEM_WORKER_CONCURRENCY'] = '7';
    process.env['STEM_WORKER_QUEUES'] = 'a,b';
    await bootWith([], { worker: { queues: ['c'] } });
    expect(lines.join()).toContain("namespace 'from-env'; worker");
    expect(lines.join()).toContain('on queues c, concurrency 7');
  });

  it('says in one line what it is connected to', async () => {
    await bootWith([], { worker: { name: 'w', queues: ['a', 'b'], concurrency: 3 } });
    expect(lines).toContain(
      "Connected to memory://stem, namespace 'stem'; worker 'w' on queues a, b, concurrency 3",
    );
  });

  it('warns of handlers whose queue the worker does not serve', async () => {
    class Reports {
      @Task('report.render', { queue: 'reports' })
      render() {}
    }
    await bootWith([Reports, EmailTasks]);
    const warning = "'report.render' (queue 'reports')";
    expect(lines.join()).toContain(warning);
    expect(lines.join()).not.toContain("'email.send' (");
    lines.length = 0;
    await bootWith([Reports], { worker: { queues: ['reports'] } });
    expect(lines.join()).not.toContain(warning);
  });

  it('keeps results in a result backend of their own', async () => {
    const app = await bootWith([EmailTasks], { resultBackend: 'memory://' });
    const task = await app.get(StemClient).enqueue('email.send', { to: 'ada' });
    expect(await task.result(SOON)).toMatchObject({ to: 'ada' });
    expect(lines.join()).toContain('results in memory://');
  });

  it('can be replaced by a fake in a test', async () => {
    const fake = { enqueue: jest.fn() };
    const module = await Test.createTestingModule({ imports: [StemModule.forRoot({ logger })] })
      .overrideProvider(StemClient)
      .useValue(fake)
      .compile();
    apps.push(module);
    await module.init();
    expect(module.get(StemClient)).toBe(fake);
  });
});

describe('StemModule.forRootAsync', () => {
  const CONFIG = Symbol('config');
  @Module({
    providers: [{ provide: CONFIG, useValue: { namespace: 'from-config' } }],
    exports: [CONFIG],
  })
  class ConfigModule {}

  @Injectable()
  class Options implements StemOptionsFactory {
    async createStemOptions() {
      return { namespace: 'from-class', logger };
    }
  }
  @Module({ providers: [Options], exports: [Options] })
  class OptionsModule {}

  it.each<[string, Parameters<typeof StemModule.forRootAsync>[0], string]>([
    [
      'useFactory',
      {
        imports: [ConfigModule],
        inject: [CONFIG],
        useFactory: async (config: { namespace: string }) => ({ ...config, logger }),
      },
      'from-config',
    ],
    ['useClass', { useClass: Options }, 'from-class'],
    ['useExisting', { imports: [OptionsModule], useExisting: Options }, 'from-class'],
  ])('takes options from %s', async (_, options, namespace) => {
    const app = await boot({
      imports: [StemModule.forRootAsync(options)],
      providers: [EmailTasks],
    });
    expect(lines.join()).toContain(`namespace '${namespace}'`);
    const task = await app.get(StemClient).enqueue('email.send', { to: 'ada' });
    expect(await task.result(SOON)).toMatchObject({ to: 'ada' });
  });

  it('uses its own `worker` unless the factory says something of it', async () => {
    const silent = { worker: false, useFactory: () => ({ logger }) } as const;
    const telling = { worker: false, useFactory: () => ({ logger, worker: true }) } as const;
    await boot({ imports: [StemModule.forRootAsync(silent)] });
    await boot({ imports: [StemModule.forRootAsync(telling)] });
    expect(lines[0]).toContain('no worker');
    expect(lines[1]).toContain('concurrency 10');
  });

  it.each([
    ['no source', {}],
    ['two sources', { useClass: Options, useFactory: () => ({}) }],
  ])('refuses %s', (_, options) => {
    expect(() => StemModule.forRootAsync(options)).toThrow(/exactly one of/);
  });

  it('refuses a name that only the factory knows', async () => {
    const options = { useFactory: () => ({ name: 'late' }) };
    const error = await failure(boot({ imports: [StemModule.forRootAsync(options)] }));
    expect(error.message).toContain('forRootAsync itself');
  });
});

describe('a boot that fails', () => {
  class Other {
    @Task('email.send')
    deliver() {}
  }

  it('names both handlers of one task', async () => {
    const error = await failure(bootWith([EmailTasks, Other]));
    expect(error).toBeInstanceOf(DuplicateTaskError);
    expect(error.message).toContain('EmailTasks.send');
    expect(error.message).toContain('Other.deliver');
  });

  it('names the modules when one class is provided twice', async () => {
    @Module({ providers: [EmailTasks] })
    class Mail {}
    const error = await failure(
      boot({ imports: [StemModule.forRoot({ logger }), Mail], providers: [EmailTasks] }),
    );
    expect(error).toBeInstanceOf(DuplicateTaskError);
    expect(error.message).toContain('EmailTasks.send in Mail');
  });

  it.each<[string, object, string]>([
    ['priority', { priority: 10 }, 'priority'],
    ['an unknown option', { retries: 3 }, 'retries'],
    ['a limit', { softTimeLimit: '2s', hardTimeLimit: '1s' }, 'hardTimeLimit'],
  ])('names the option and the place of a bad @Task: %s', async (_, options, option) => {
    class Bad {
      @Task('bad', options)
      run() {}
    }
    const error = await failure(bootWith([Bad]));
    expect(error).toBeInstanceOf(StemConfigError);
    expect(error.message).toContain(option);
    expect(error.message).toContain('Bad.run');
  });

  it('names the place of a task without a name, and of a class without `call`', async () => {
    class Nameless {
      @Task('')
      run() {}
    }
    class Empty {}
    (Task('empty') as (target: object) => void)(Empty);
    expect((await failure(bootWith([Nameless]))).message).toContain('Nameless.run');
    expect((await failure(bootWith([Empty]))).message).toContain('@Task on Empty');
  });

  it.each([
    ['request-scoped', Scope.REQUEST],
    ['transient', Scope.TRANSIENT],
  ])('says that %s handlers are not supported yet, and where one is', async (word, scope) => {
    @Injectable({ scope })
    class PerRequest {
      @Task('per.request')
      run() {}
    }
    const error = await failure(bootWith([PerRequest]));
    expect(error).toBeInstanceOf(StemConfigError);
    expect(error.message).toContain('PerRequest.run');
    expect(error.message).toContain(`${word} provider`);
  });

  it('says so of a handler that depends on a request-scoped provider, too', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class Tenant {}
    @Injectable()
    class Billing {
      constructor(readonly tenant: Tenant) {}
      @Task('bill')
      bill() {}
    }
    expect((await failure(bootWith([Tenant, Billing]))).message).toContain('Billing.bill');
  });

  it('does not mind request-scoped providers without handlers', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class Tenant {}
    await bootWith([Tenant, EmailTasks]);
  });

  it('names a bad option or variable', async () => {
    const option = await failure(bootWith([], { worker: { concurrency: 0 } }));
    expect(option.message).toContain('worker.concurrency is 0');
    process.env['STEM_RESULT_TTL'] = 'a day';
    expect((await failure(bootWith())).message).toContain("STEM_RESULT_TTL is 'a day'");
  });

  it('says that the broker cannot be reached, without its password', async () => {
    const broker = 'redis://user:hunter2@127.0.0.1:1';
    const error = await failure(bootWith([], { broker, connectTimeout: '200ms' }));
    expect(error).toBeInstanceOf(BrokerUnavailableError);
    expect(error.message).not.toContain('hunter2');
  });
});

describe('several Stems', () => {
  const named = (name: string, options: StemOptions = {}) =>
    StemModule.forRoot({ logger, name, ...options });

  it('are independent, each with its own client', async () => {
    class Clients {
      constructor(
        @InjectStem() readonly main: StemClient,
        @InjectStem('billing') readonly billing: StemClient,
      ) {}
    }
    const app = await boot({
      imports: [StemModule.forRoot({ logger, worker: false }), named('billing', { worker: false })],
      providers: [Clients, EmailTasks],
    });
    const { main, billing } = app.get(Clients);
    expect(billing).toBe(app.get(getStemToken('billing')));
    const task = await billing.enqueue('email.send', { to: 'ada' });
    expect((await billing.task(task.id).status())?.state).toBe('queued');
    expect(await main.task(task.id).status()).toBeUndefined();
  });

  it('know a task with `stem` in that one only, and one without in all', async () => {
    class Tasks {
      @Task('bill', { stem: 'billing' })
      bill() {
        return 'billed';
      }
      @Task('both')
      both() {
        return 'done';
      }
    }
    const app = await boot({ imports: [named('billing'), named('mail')], providers: [Tasks] });
    const billing = app.get<StemClient>(getStemToken('billing'));
    const mail = app.get<StemClient>(getStemToken('mail'));
    expect(await (await billing.enqueue('bill')).result(SOON)).toBe('billed');
    expect(await (await billing.enqueue('both')).result(SOON)).toBe('done');
    expect(await (await mail.enqueue('both')).result(SOON)).toBe('done');
    await expect(mail.enqueue('bill')).rejects.toThrow(UnknownTaskError);
  });

  it('may not share a name', async () => {
    const error = await failure(boot({ imports: [named('a'), named('a')] }));
    expect(error.message).toMatch(/name is 'a'.*a name of its own/);
  });

  it('must include the one that a task names', async () => {
    class Tasks {
      @Task('bill', { stem: 'biling' })
      bill() {}
    }
    const error = await failure(boot({ imports: [named('billing')], providers: [Tasks] }));
    expect(error.message).toMatch(/Tasks.bill.*'biling'.*billing/);
  });
});

describe('@OnSignal', () => {
  it('calls the method, of the instance, for the tasks it asks for', async () => {
    class Audit {
      readonly seen: string[] = [];
      private notify: () => void = () => undefined;
      readonly complete = new Promise<void>((resolve) => (this.notify = resolve));

      @OnSignal('afterTaskPublish')
      published({ task }: SignalPayloads['afterTaskPublish']) {
        this.seen.push(`published ${task.name}`);
      }

      @OnSignal('taskSucceeded', { task: 'email.send' })
      succeeded({ task, result }: SignalPayloads['taskSucceeded']) {
        this.seen.push(`${task.name} ${JSON.stringify(result)}`);
        this.notify();
      }

      @OnSignal('taskSucceeded')
      broken() {
        throw new Error('a listener that is broken');
      }
    }
    class Ping {
      @Task('ping')
      ping() {
        return 'pong';
      }
    }
    const app = await bootWith([EmailTasks, Ping, Audit]);
    const stem = app.get(StemClient);
    await (await stem.enqueue('ping')).result(SOON);
    await (await stem.enqueue('email.send', { to: 'ada' })).result(SOON);
    const audit = app.get(Audit);
    await audit.complete;
    expect(audit.seen).toEqual([
      'published ping',
      'published email.send',
      'email.send {"from":"stem@example.com","to":"ada","maxRetries":5}',
    ]);
  });

  it('refuses a signal that does not exist, with the nearest that does', () => {
    expect(() => OnSignal('taskSuceeded' as 'taskSucceeded')).toThrow(
      /did you mean 'taskSucceeded'/,
    );
  });

  it('must name a Stem that there is', async () => {
    class Audit {
      @OnSignal('workerReady', { stem: 'nowhere' })
      ready() {}
    }
    expect((await failure(bootWith([Audit]))).message).toMatch(/Audit.ready.*'nowhere'/);
  });
});

describe('the order of starting and stopping', () => {
  /** A database that takes note of its life, and a task that uses it for as long as it is let. */
  function lifecycle() {
    const events: string[] = [];
    let release: () => void = () => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    let begun: () => void = () => undefined;
    const running = new Promise<void>((resolve) => (begun = resolve));

    @Injectable()
    class Database implements OnModuleInit, OnModuleDestroy, OnApplicationShutdown {
      constructor(private readonly stem: StemClient) {}
      async onModuleInit() {
        await this.stem.enqueue('work', {}, { id: 'enqueued-at-init' });
        events.push('database opens');
      }
      onModuleDestroy() {
        events.push('database closes');
      }
      async onApplicationShutdown() {
        events.push((await this.stem.task('enqueued-at-init').status())?.state ?? 'unknown');
      }
    }
    @Injectable()
    class Work {
      @Task('work')
      async work(_args: unknown, context: TaskContext) {
        events.push('task begins');
        begun();
        await released;
        await context.progress(1);
        events.push('task ends');
      }
    }
    @Module({ providers: [Database, Work] })
    class DatabaseModule {}
    return { events, release, running, DatabaseModule };
  }

  it('enqueues from onModuleInit on, drains before databases close, answers to the last', async () => {
    const { events, release, running, DatabaseModule } = lifecycle();
    const app = await boot({ imports: [DatabaseModule, StemModule.forRoot({ logger })] });
    await running;
    const closing = app.close();
    release();
    await closing;
    expect(events).toEqual([
      'database opens',
      'task begins',
      'task ends',
      'database closes',
      'succeeded',
    ]);
  });

  it('closes the broker it made, but not one that was given to it', async () => {
    const given: Broker = new MemoryBroker();
    const [own, foreign] = [await bootWith(), await bootWith([], { broker: given })];
    const stem = own.get(StemClient);
    await Promise.all([own.close(), foreign.close()]);
    await expect(stem.queues.list()).rejects.toThrow(StemClosedError);
    expect(await given.listQueues()).toHaveLength(1);
  });

  describe('gracefulShutdown', () => {
    /** Codes that the process would have ended with, one after the other. */
    const exitCodes = (): AsyncIterator<number> => {
      const exits = new EventEmitter();
      jest.spyOn(process, 'exit').mockImplementation(((code: number) => {
        exits.emit('exit', code);
      }) as typeof process.exit);
      const events = on(exits, 'exit');
      return {
        next: async () => {
          const { value } = (await events.next()) as IteratorResult<[number], [number]>;
          return { value: value[0] };
        },
      };
    };

    afterEach(() => jest.restoreAllMocks());

    it.each(['SIGTERM', 'SIGINT'] as const)(
      'on %s drains while everything else lives, then closes, then exits with 0',
      async (signal) => {
        const { events, release, running, DatabaseModule } = lifecycle();
        // Imported first, the module would outlive the worker only thanks to the helper.
        const app = await boot({ imports: [StemModule.forRoot({ logger }), DatabaseModule] });
        const stop = gracefulShutdown(app, { grace: '10s' });
        await running;
        const exits = exitCodes();
        process.emit(signal, signal);
        release();
        expect((await exits.next()).value).toBe(0);
        expect(events.slice(-3)).toEqual(['task ends', 'database closes', 'succeeded']);
        stop();
      },
    );

    it.each([
      ['SIGTERM', 143],
      ['SIGINT', 130],
    ] as const)('on a second %s exits at once with %i', async (signal, code) => {
      const { release, running, DatabaseModule } = lifecycle();
      const app = await boot({ imports: [StemModule.forRoot({ logger }), DatabaseModule] });
      const stop = gracefulShutdown(app);
      await running;
      const exits = exitCodes();
      process.emit('SIGTERM', 'SIGTERM');
      process.emit(signal, signal);
      expect((await exits.next()).value).toBe(code);
      // The process would be gone; this one goes on to the end.
      release();
      expect((await exits.next()).value).toBe(0);
      stop();
    });

    it('takes the SIGINT that npm adds to a Ctrl-C for the same one, and a later one not', async () => {
      const { release, running, DatabaseModule } = lifecycle();
      const app = await boot({ imports: [StemModule.forRoot({ logger }), DatabaseModule] });
      const stop = gracefulShutdown(app);
      await running;
      const exit = jest.spyOn(process, 'exit').mockImplementation((() => undefined) as never);
      const now = jest.spyOn(performance, 'now');
      now.mockReturnValue(1_000);
      process.emit('SIGINT', 'SIGINT');
      now.mockReturnValue(1_400);
      process.emit('SIGINT', 'SIGINT');
      expect(exit).not.toHaveBeenCalled();
      now.mockReturnValue(1_500);
      process.emit('SIGINT', 'SIGINT');
      expect(exit).toHaveBeenLastCalledWith(130);
      now.mockRestore();
      const exits = exitCodes();
      release();
      expect((await exits.next()).value).toBe(0);
      stop();
    });

    it('gives back what does not end within the grace', async () => {
      const broker = new MemoryBroker();
      const { running, DatabaseModule } = lifecycle();
      const app = await boot({ imports: [StemModule.forRoot({ logger, broker }), DatabaseModule] });
      const stop = gracefulShutdown(app, { grace: 10 });
      await running;
      const exits = exitCodes();
      process.emit('SIGTERM', 'SIGTERM');
      expect((await exits.next()).value).toBe(0);
      expect(await broker.find('enqueued-at-init')).toMatchObject({ state: 'queued', attempt: 0 });
      stop();
    });

    it('closes an application without Stem, and refuses a bad grace', async () => {
      const app = await boot({});
      const stop = gracefulShutdown(app);
      const exits = exitCodes();
      process.emit('SIGTERM', 'SIGTERM');
      expect((await exits.next()).value).toBe(0);
      stop();
      expect(() => gracefulShutdown(app, { grace: 'a while' as never })).toThrow(StemConfigError);
    });
  });
});
