import { ScheduleModule, SchedulerRegistry } from '@nestjs/schedule';
import type { ModuleMetadata } from '@nestjs/common';
import type { TestingModule } from '@nestjs/testing';
import { StemClient, StemModule } from 'nestjs-stem';
import { StemTester, StemTestingModule } from 'nestjs-stem/testing';
import { start } from '../support/application.js';
import { AppModule } from './adopted.module.js';
import { delivered } from './delivery.js';
import { EmailTasks, sendAndWait } from './email.tasks.js';
import { done } from './housework.js';
import { Jobs as JobsAfter } from './jobs.after.js';
import { Jobs as JobsBefore } from './jobs.before.js';
import { UploadService } from './upload.service.js';
import { VideoTasks } from './video.tasks.js';

let app: TestingModule;
let tester: StemTester;
let stem: StemClient;

async function boot(metadata: ModuleMetadata): Promise<void> {
  app = await start({
    ...metadata,
    imports: [
      ...(metadata.imports ?? []),
      StemTestingModule.forRoot({ mode: 'drain', now: new Date('2030-06-01T23:50:30Z') }),
    ],
  });
  tester = app.get(StemTester);
  stem = app.get(StemClient);
}

describe('from BullMQ', () => {
  beforeEach(() =>
    boot({ imports: [StemModule.forRoot()], providers: [VideoTasks, UploadService] }),
  );

  it('a processor and a queue become a task and the client', async () => {
    const id = await app.get(UploadService).upload('cat.avi');
    expect(tester.enqueued()).toMatchObject([{ id: 'cat.avi', options: { queue: 'video' } }]);
    await tester.drain();
    expect(await stem.task(id).result()).toBe('cat.mp4');
    expect(await stem.task(id).status()).toMatchObject({ attempt: 0, progress: { fraction: 0.5 } });
  });

  it('an id that is known creates nothing', async () => {
    const uploads = app.get(UploadService);
    expect(await uploads.upload('cat.avi')).toBe(await uploads.upload('cat.avi'));
    expect(tester.enqueued()).toHaveLength(1);
  });
});

describe('from @nestjs/schedule', () => {
  beforeEach(() => void done.splice(0));

  /** What the jobs do within two minutes, and at two in Berlin. */
  async function watch(): Promise<{ minutes: string[]; night: string[] }> {
    await tester.advance('2m');
    const minutes = done.splice(0);
    await tester.advance(new Date('2030-06-01T23:59:59Z'));
    expect(done.splice(0)).not.toContain('old rows deleted');
    await tester.advance('1s');
    return { minutes, night: done.splice(0).filter((what) => what !== 'partner polled') };
  }
  const expected = {
    minutes: ['partner polled', 'partner polled'],
    night: ['old rows deleted'],
  };

  it('methods that stay as they are become tasks', async () => {
    await boot({ imports: [AppModule] });
    expect(await stem.schedules.list()).toMatchObject([
      { id: 'Jobs.poll', task: 'Jobs.poll', spec: 'every:1m' },
      { id: 'cleanup', task: 'Jobs.cleanup', timezone: 'Europe/Berlin' },
    ]);
    const registry = app.get(SchedulerRegistry, { strict: false });
    expect([registry.getCronJobs().size, registry.getIntervals()]).toEqual([0, []]);
    expect(await watch()).toEqual(expected);
  });

  it('methods that are rewritten run at the same times', async () => {
    await boot({ imports: [StemModule.forRoot()], providers: [JobsAfter] });
    expect(await stem.schedules.list()).toMatchObject([
      { id: 'cleanup', task: 'cleanup', timezone: 'Europe/Berlin' },
      { id: 'partner.poll', overlap: 'skip' },
    ]);
    expect(await watch()).toEqual(expected);
  });

  it('nothing is taken over where it is not asked for', async () => {
    await boot({
      imports: [ScheduleModule.forRoot(), StemModule.forRoot()],
      providers: [JobsBefore],
    });
    expect(await stem.schedules.list()).toEqual([]);
    expect(app.get(SchedulerRegistry).getCronJobs().has('cleanup')).toBe(true);
  });
});

describe('from Celery', () => {
  beforeEach(() => boot({ imports: [StemModule.forRoot()], providers: [EmailTasks] }));

  it('a task waits for its time, is tried again after some errors, and returns', async () => {
    const result = sendAndWait(stem);
    await tester.advance('29s');
    expect(delivered).toEqual([]);
    expect(tester.enqueued()).toMatchObject([{ options: { queue: 'mail', delay: 30_000 } }]);
    await tester.advance('10s');
    expect(await result).toBe('message-1');
    expect(delivered).toEqual(['ops@example.com']);
  });

  it('a task is not tried again after others', async () => {
    await stem.enqueue('email.send', { recipient: 'nobody' });
    await tester.drain();
    expect(await tester.failed()).toMatchObject([{ reason: 'not-retryable' }]);
  });
});
