import { Module, type ModuleMetadata } from '@nestjs/common';
import type { TestingModule } from '@nestjs/testing';
import { StemClient, StemModule, Task } from 'nestjs-stem';
import { StemTester, StemTestingModule, type TestingMode } from 'nestjs-stem/testing';
import { start } from '../support/application.js';
import { Maintenance } from './maintenance.js';
import { operate } from './operate.js';

let app: TestingModule;
let tester: StemTester;

async function boot(mode: TestingMode, metadata: ModuleMetadata): Promise<void> {
  app = await start({
    ...metadata,
    imports: [
      ...(metadata.imports ?? []),
      StemTestingModule.forRoot({ mode, now: new Date('2030-06-01T12:00:00Z') }),
    ],
  });
  tester = app.get(StemTester);
}

afterEach(() => jest.restoreAllMocks());

describe('a schedule in the code', () => {
  it('runs at its time of the day, put off by its jitter, and knows its tick', async () => {
    await boot('drain', { imports: [StemModule.forRoot()], providers: [Maintenance] });
    await tester.advance(new Date('2030-06-01T23:59:59Z'));
    tester.assertNotEnqueued('maintenance.cleanup');

    // Two o'clock in Berlin, in summer, and the most that the jitter may add.
    await tester.advance(new Date('2030-06-02T00:05:00Z'));
    const [run, ...more] = tester.enqueued('maintenance.cleanup');
    expect(more).toEqual([]);
    expect(
      await app
        .get(StemClient)
        .task(run?.id ?? '')
        .status(),
    ).toMatchObject({
      args: { olderThan: '30d' },
      result: { olderThan: '30d', tick: '2030-06-02T00:00:00.000Z' },
    });
  });
});

describe('stem.schedules', () => {
  class Reports {
    @Task('report.render')
    render(): string {
      return 'rendered';
    }
  }
  @Module({ imports: [StemModule.forRoot()], providers: [Reports] })
  class ReportsModule {}

  it('makes, shows, foresees, pauses, runs and removes a schedule', async () => {
    await boot('inline', { imports: [ReportsModule] });
    const stem = app.get(StemClient);
    const print = jest.spyOn(console, 'log').mockImplementation();
    const pause = jest.spyOn(stem.schedules, 'pause');
    const resume = jest.spyOn(stem.schedules, 'resume');
    await operate(stem);
    expect(print.mock.calls).toEqual([
      ['nightly', 'active', new Date('2030-06-02T00:00:00Z')],
      [[2, 3, 4, 5, 6].map((day) => new Date(`2030-06-0${day}T00:00:00Z`))],
      ['rendered'],
    ]);
    expect(await pause.mock.results[0]?.value).toMatchObject({ state: 'paused' });
    expect(await resume.mock.results[0]?.value).toMatchObject({ state: 'active', runs: 0 });
    expect(await stem.schedules.list()).toEqual([]);
    expect(tester.enqueued()).toMatchObject([{ name: 'report.render' }]);
  });
});
