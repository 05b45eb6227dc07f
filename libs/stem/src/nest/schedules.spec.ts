import 'reflect-metadata';
import { Injectable, Module, type INestApplicationContext, type Type } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { Cron, CronExpression, Interval, ScheduleModule, Timeout } from '@nestjs/schedule';
import { MemoryBroker } from '../broker/memory/memory-broker.js';
import { StemClient } from '../client/stem-client.js';
import type { BeatOptions } from '../config/stem-options.js';
import { StemConfigError } from '../core/errors.js';
import type { TaskContext } from '../core/task-context.js';
import { ScheduleError } from '../schedule/schedule-error.js';
import { Schedule } from './schedule.decorator.js';
import { StemModule } from './stem.module.js';
import { Task } from './task.decorator.js';

const open: INestApplicationContext[] = [];
afterEach(async () => {
  for (const app of open.splice(0).reverse()) await app.close();
});

const lines: string[] = [];
const logger = {
  log: (line: string) => void lines.push(`log ${line}`),
  warn: (line: string) => void lines.push(`warn ${line}`),
  error: (line: string) => void lines.push(`error ${line}`),
  debug: () => undefined,
};
beforeEach(() => void lines.splice(0));

interface Boot {
  readonly providers?: Type[];
  readonly imports?: (Type | ReturnType<typeof ScheduleModule.forRoot>)[];
  readonly beat?: boolean | BeatOptions;
  /** Shared by the applications of a test, as a Redis would be. */
  readonly broker?: MemoryBroker;
}

async function boot({ providers = [], imports = [], beat, broker }: Boot): Promise<StemClient> {
  const module = await Test.createTestingModule({
    imports: [
      ...imports,
      StemModule.forRoot({
        logger,
        ...(broker ? { broker } : {}),
        ...(beat === undefined ? {} : { beat }),
      }),
    ],
    providers,
  }).compile();
  open.push(module);
  await module.init();
  return module.get(StemClient);
}

/** Waits until `check` does not throw any more. */
async function eventually(check: () => void | Promise<void>, limitMs = 5_000): Promise<void> {
  const deadline = Date.now() + limitMs;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}

describe('@Schedule', () => {
  it('runs a task method again and again, and tells it which tick it is for', async () => {
    const runs: { args: unknown; meta: TaskContext['meta'] }[] = [];
    @Injectable()
    class Reports {
      @Task('report.render')
      @Schedule('every:1s', { id: 'often', args: { kind: 'daily' } })
      render(args: unknown, { meta }: TaskContext): void {
        runs.push({ args, meta });
      }
    }
    const stem = await boot({ providers: [Reports] });
    await eventually(() => expect(runs.length).toBeGreaterThanOrEqual(2));
    expect(runs[0]).toEqual({
      args: { kind: 'daily' },
      meta: { 'stem.scheduleId': 'often', 'stem.scheduledFor': expect.any(String) },
    });
    expect(await stem.schedules.get('often')).toMatchObject({
      origin: 'code',
      task: 'report.render',
      state: 'active',
    });
  });

  it('stands on classes, several times, with the forms that a spec may have', async () => {
    @Injectable()
    @Task('digest')
    @Schedule(CronExpression.EVERY_DAY_AT_2AM, { timezone: 'Europe/Berlin' })
    @Schedule({ solar: 'sunset', latitude: 52.5, longitude: 13.4 }, { id: 'at-dusk' })
    class Digest {
      call(): void {}
    }
    const stem = await boot({ providers: [Digest] });
    expect(await stem.schedules.list()).toMatchObject([
      { id: 'at-dusk', task: 'digest', spec: { solar: 'sunset' } },
      { id: 'digest', task: 'digest', spec: '0 02 * * *', timezone: 'Europe/Berlin' },
    ]);
  });

  it('that is gone with a deploy is gone from the store; an operator is heard over deploys', async () => {
    @Injectable()
    class First {
      @Task('one')
      @Schedule('0 1 * * *')
      one(): void {}
      @Task('two')
      @Schedule('0 2 * * *')
      two(): void {}
    }
    @Injectable()
    class Second {
      @Task('one')
      one(): void {}
      @Task('two')
      @Schedule('0 3 * * *')
      two(): void {}
    }
    const broker = new MemoryBroker();
    const first = await boot({ providers: [First], broker });
    await first.schedules.pause('two');
    await first.schedules.upsert({ id: 'mine', task: 'one', spec: 'every:1d' });

    const second = await boot({ providers: [Second], broker });
    expect((await second.schedules.list()).map(({ id, spec, state }) => [id, spec, state])).toEqual(
      [
        ['mine', 'every:1d', 'active'],
        ['two', '0 3 * * *', 'paused'],
      ],
    );
  });

  it('is not declared by a process without Beat, but checked all the same', async () => {
    @Injectable()
    class Fine {
      @Task('fine')
      @Schedule('0 1 * * *')
      run(): void {}
    }
    const stem = await boot({ providers: [Fine], beat: false });
    expect(await stem.schedules.list()).toEqual([]);

    @Injectable()
    class Bad {
      @Task('bad')
      @Schedule('0 0 31 2 *')
      run(): void {}
    }
    const error = await boot({ providers: [Bad], beat: false }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ScheduleError);
    expect((error as Error).message).toMatch(/@Schedule on Bad\.run.*never due/);
  });

  it('needs a task, and an id of its own', async () => {
    @Injectable()
    class NoTask {
      @Schedule('0 1 * * *')
      run(): void {}
    }
    await expect(boot({ providers: [NoTask] })).rejects.toThrow(StemConfigError);
    @Injectable()
    class Twice {
      @Task('twice')
      @Schedule('0 1 * * *')
      @Schedule('0 2 * * *')
      run(): void {}
    }
    await expect(boot({ providers: [Twice] })).rejects.toThrow(/declared twice/);
  });

  it('belongs to one application of several that share a namespace, by its root module', async () => {
    @Injectable()
    class Tasks {
      @Task('one')
      @Schedule('0 1 * * *')
      one(): void {}
    }
    @Injectable()
    class Others {
      @Task('two')
      two(): void {}
    }
    const broker = new MemoryBroker();
    await boot({ providers: [Tasks], broker, beat: { owner: 'billing' } });
    const other = await boot({ providers: [Others], broker, beat: { owner: 'shop' } });
    expect(await other.schedules.list()).toMatchObject([{ id: 'one' }]);
  });
});

describe('adopting @nestjs/schedule', () => {
  const calls: string[] = [];
  beforeEach(() => void calls.splice(0));

  @Injectable()
  class Jobs {
    @Cron(CronExpression.EVERY_SECOND, { name: 'ticking' })
    tick(...args: unknown[]): void {
      calls.push(`tick ${args.length}`);
    }
    @Cron('0 5 * * *', { timeZone: 'Asia/Tokyo', waitForCompletion: true })
    nightly(): void {}
    @Cron('0 6 * * *', { utcOffset: 120, disabled: true })
    off(): void {}
    @Interval(2_000)
    interval(): void {
      calls.push('interval');
    }
    @Interval(200)
    quick(): void {
      calls.push('quick');
    }
    @Timeout(1)
    once(): void {
      calls.push('once');
    }
  }
  @Module({ providers: [Jobs] })
  class JobsModule {}

  const app = (broker: MemoryBroker): Promise<StemClient> =>
    boot({
      imports: [ScheduleModule.forRoot(), JobsModule],
      broker,
      beat: { adoptNestSchedule: true },
    });

  it('runs its methods once per cluster, as tasks with a history', async () => {
    const broker = new MemoryBroker();
    const [stem] = await Promise.all([app(broker)]);
    await app(broker);
    await eventually(async () => {
      const { runs = 0 } = (await stem.schedules.get('ticking')) ?? {};
      expect(runs).toBeGreaterThanOrEqual(3);
    });
    const { runs = 0 } = (await stem.schedules.get('ticking')) ?? {};
    const ticks = calls.filter((call) => call.startsWith('tick')).length;
    expect(ticks).toBeGreaterThanOrEqual(runs - 1);
    expect(ticks).toBeLessThanOrEqual(runs + 1);
    expect(calls).toContain('tick 0');

    expect(await stem.schedules.list()).toMatchObject([
      { id: 'Jobs.interval', spec: 'every:2s' },
      { id: 'Jobs.nightly', spec: '0 5 * * *', timezone: 'Asia/Tokyo', overlap: 'skip' },
      { id: 'Jobs.off', timezone: 'Etc/GMT-2', state: 'paused' },
      { id: 'ticking', spec: '* * * * * *', task: 'Jobs.tick', origin: 'code' },
    ]);
    // What it cannot take over, and @Timeout, stays with @nestjs/schedule.
    expect(calls).toContain('quick');
    expect(calls).toContain('once');
    expect(lines.join('\n')).toMatch(
      /warn Jobs\.quick stays with @nestjs\/schedule.*shortest is 1s/,
    );
  }, 15_000);

  it('leaves the classes as they were for applications that do not', async () => {
    await app(new MemoryBroker());
    calls.splice(0);
    const stem = await boot({ imports: [ScheduleModule.forRoot(), JobsModule] });
    expect(await stem.schedules.list()).toEqual([]);
    await eventually(() => expect(calls).toContain('tick 1'));
  });
});
