import type { TestingModule } from '@nestjs/testing';
import { StemClient, StemModule, TaskFailedError } from 'nestjs-stem';
import { StemTester, StemTestingModule } from 'nestjs-stem/testing';
import { start } from '../support/application.js';
import { Renderer } from './renderer.js';
import { ReportTasks } from './report.tasks.js';

let app: TestingModule;

beforeEach(async () => {
  app = await start({
    imports: [StemModule.forRoot(), StemTestingModule.forRoot({ mode: 'inline' })],
    providers: [ReportTasks, Renderer],
  });
});

describe('arguments that are checked in the handler', () => {
  it('are used when they are what they should be', async () => {
    await (await app.get(StemClient).enqueue('report.render', { month: '2030-06' })).result();
    expect(app.get(Renderer).written).toEqual(['reports/2030-06.pdf']);
  });

  it.each([
    ['a path', { month: '../../etc/passwd' }],
    ['a month and more', { month: '2030-06\n/../x' }],
    ['a list that reads like one', { month: ['2030-06'] }],
    ['nothing', {}],
  ])('are a dead letter after one try when they are %s', async (_, args) => {
    const task = await app.get(StemClient).enqueue('report.render', args);
    await expect(task.result()).rejects.toThrow(TaskFailedError);
    expect(await app.get(StemTester).failed()).toMatchObject([
      { id: task.id, reason: 'unrecoverable', attempt: 0 },
    ]);
    expect(app.get(Renderer).written).toEqual([]);
  });
});
