import { getStemToken, StemClient, StemModule, Task } from 'nestjs-stem';
import { StemTester, StemTestingModule } from 'nestjs-stem/testing';
import { startRedisServer } from '../../../test/support/redis-server.js';
import { until } from '../../support/example-process.js';
import { start } from '../support/application.js';
import { AppModule } from './app.module.js';
import { ImportTasks } from './import.tasks.js';
import { MailTasks } from './mail.tasks.js';
import { ReportsWorkerModule } from './reports.module.js';

describe('a queue with workers of its own', () => {
  class ReportTasks {
    @Task('report.render', { queue: 'reports' })
    render(): string {
      return 'rendered';
    }
    @Task('mail.send')
    send(): void {}
  }

  it('is all that they serve', async () => {
    const app = await start({ imports: [ReportsWorkerModule], providers: [ReportTasks] });
    const stem = app.get(StemClient);
    const mail = await stem.enqueue('mail.send');
    const report = await stem.enqueue('report.render');
    expect(await report.result({ timeout: '5s' })).toBe('rendered');
    expect(await mail.status()).toMatchObject({ state: 'queued' });
    const [worker] = await until('the worker is known', 5_000, async () => {
      const workers = await stem.workers.list();
      return workers.length > 0 ? workers : undefined;
    });
    expect(worker).toMatchObject({ queues: ['reports'], concurrency: 4, prefetch: 4 });
  });
});

describe('a Stem for each Redis', () => {
  it('has the tasks that say they belong to it', async () => {
    const app = await start({
      imports: [AppModule, StemTestingModule.forRoot({ mode: 'inline' })],
    });
    await app.get(ImportTasks).importAll([1, 2]);
    await app.get(StemClient).enqueue('mail.send');
    const tester = app.get(StemTester);
    expect(app.get(ImportTasks).imported).toEqual([1, 2]);
    expect(tester.of('imports').enqueued()).toMatchObject([
      { name: 'import.row', args: { row: 1 } },
      { name: 'import.row', args: { row: 2 } },
    ]);
    expect(tester.enqueued()).toMatchObject([{ name: 'mail.send' }]);
  });

  it('writes into its own Redis only', async () => {
    const [one, two] = await Promise.all([startRedisServer(), startRedisServer()]);
    try {
      const app = await start({
        imports: [
          StemModule.forRoot({ broker: one.url() }),
          StemModule.forRoot({ name: 'imports', broker: two.url() }),
        ],
        providers: [ImportTasks, MailTasks],
      });
      await app.get(ImportTasks).importAll([1, 2]);
      const imports = app.get<StemClient>(getStemToken('imports'));
      const stem = app.get(StemClient);
      await until('both rows are imported', 5_000, () =>
        app.get(ImportTasks).imported.length === 2 ? true : undefined,
      );
      await until('both are counted', 5_000, async () =>
        (await imports.queues.stats('default')).succeeded === 2 ? true : undefined,
      );
      expect((await stem.queues.stats('default')).succeeded).toBe(0);
      await expect(stem.enqueue('import.row', { row: 3 })).rejects.toMatchObject({
        code: 'STEM_UNKNOWN_TASK',
      });
      await app.close();
    } finally {
      await Promise.all([one.stop(), two.stop()]);
    }
  });
});
