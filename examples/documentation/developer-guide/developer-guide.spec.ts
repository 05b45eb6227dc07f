import type { Type } from '@nestjs/common';
import { StemClient, StemModule, Task } from 'nestjs-stem';
import { StemTester, StemTestingModule } from 'nestjs-stem/testing';
import type { RedisServer } from '../../../test/support/redis-server.js';
import { start } from '../support/application.js';
import { startDefaultRedis } from '../support/default-redis.js';
import { Alerts } from './alerts.js';
import { AppModule } from './app.module.js';
import { AsyncModule } from './async.module.js';
import { EmailTasks, SendEmail } from './email.tasks.js';
import { lookAtDeadLetters, lookAtQueue, lookAtWelcome } from './look-around.js';
import { Maintenance } from './maintenance.js';
import { RedisModule } from './redis.module.js';
import { Rows } from './rows.js';
import { scheduleDigests } from './schedules.js';
import { SignUps } from './sign-ups.service.js';
import { WebModule } from './web.module.js';
import { WorkerModule } from './worker.module.js';

const recipient = 'ada@example.com';

let printed: unknown[][];
let mailService: jest.SpyInstance<ReturnType<typeof fetch>, Parameters<typeof fetch>>;

beforeEach(() => {
  printed = [];
  jest.spyOn(console, 'log').mockImplementation((...words) => void printed.push(words));
  mailService = jest
    .spyOn(globalThis, 'fetch')
    .mockImplementation(async () => Response.json({ messageId: '1' }));
});
afterEach(() => jest.restoreAllMocks());

async function onTestTime(module: Type, now?: Date) {
  const app = await start({
    imports: [module, StemTestingModule.forRoot(now === undefined ? {} : { now })],
  });
  return { app, stem: app.get(StemClient), tester: app.get(StemTester) };
}

describe('the first task', () => {
  it('is sent, with what the mail service needs', async () => {
    const { tester } = await onTestTime(AppModule);
    const id = 'welcome-42';
    expect(await tester.run(SendEmail, { recipient }, { id })).toEqual({ messageId: '1' });
    expect(mailService).toHaveBeenCalledWith('https://mail.example.com/send', {
      method: 'POST',
      body: JSON.stringify({ to: recipient, key: id }),
      signal: expect.any(AbortSignal),
    });
  });

  it('is tried five more times, later and later, before it becomes a dead letter', async () => {
    mailService.mockImplementation(async () => new Response('', { status: 503 }));
    const { stem, tester } = await onTestTime(AppModule);
    const delays: number[] = [];
    stem.signals.on('taskRetry', ({ delayMs }) => void delays.push(delayMs));
    await stem.enqueue(SendEmail, { recipient });
    await tester.advance('1m');
    expect(delays).toHaveLength(5);
    delays.forEach((delay, attempt) => {
      expect(delay).toBeGreaterThanOrEqual(0.75 * 1000 * 2 ** attempt);
      expect(delay).toBeLessThanOrEqual(1000 * 2 ** attempt);
    });
    expect(await tester.failed()).toMatchObject([
      { error: { message: 'The mail service answered 503' } },
    ]);
  });

  it('is enqueued once for a user', async () => {
    const { app, tester } = await onTestTime(AppModule);
    expect(await app.get(SignUps).signUp('42', recipient)).toBe('welcome-42');
    expect(await app.get(SignUps).signUp('42', recipient)).toBe('welcome-42');
    const expected = { delay: '30s', headers: { tenant: 'billing' }, times: 1 } as const;
    tester.assertEnqueued(SendEmail, { recipient }, expected);
  });
});

describe('over Redis', () => {
  let redis: RedisServer;
  beforeEach(async () => {
    redis = await startDefaultRedis();
  });
  afterEach(() => redis.stop());

  it('runs what is enqueued, with options of either kind', async () => {
    for (const module of [RedisModule, AsyncModule]) {
      const app = await start({ imports: [module] });
      const task = await app.get(StemClient).enqueue(SendEmail, { recipient });
      expect(await task.result()).toEqual({ messageId: '1' });
      await app.close();
    }
  });

  it('enqueues in one application, and works in the other', async () => {
    const web = await start({ imports: [WebModule] });
    const id = await web.get(SignUps).signUp('42', recipient);
    await web.get(StemClient).enqueue(SendEmail, { recipient }, { id: 'at-once' });
    const waiting = web.get(StemClient).task('at-once');
    expect(await waiting.status()).toMatchObject({ state: 'queued' });

    const worker = await start({ imports: [WorkerModule] });
    expect(await waiting.result()).toEqual({ messageId: '1' });
    expect(await worker.get(StemClient).task(id).status()).toMatchObject({ state: 'scheduled' });
    await Promise.all([worker.close(), web.close()]);
  });
});

describe('schedules', () => {
  class DigestTasks {
    @Task('email.digest')
    digest(): void {}
  }

  it('in the code fire at their time, in their time zone', async () => {
    const deleteOld = jest.fn();
    const app = await start({
      imports: [
        StemModule.forRoot(),
        StemTestingModule.forRoot({ now: new Date('2030-06-01T12:00:00Z') }),
      ],
      providers: [Maintenance, { provide: Rows, useValue: { deleteOld } }],
    });
    const tester = app.get(StemTester);
    await tester.advance(new Date('2030-06-01T23:59:59Z'));
    expect(deleteOld).not.toHaveBeenCalled();
    await tester.advance('1s');
    expect(deleteOld).toHaveBeenCalledTimes(1);
  });

  it('are made and governed at run time', async () => {
    const app = await start({
      imports: [
        StemModule.forRoot(),
        StemTestingModule.forRoot({ now: new Date('2030-06-01T12:00:00Z') }),
      ],
      providers: [DigestTasks],
    });
    await scheduleDigests(app.get(StemClient));
    expect(printed).toHaveLength(3);
    const times = printed.map(([time]) => Date.parse(String(time)));
    expect(times.map((time) => time - (times[0] as number))).toEqual([0, 6, 12].map(hours));
    await app.get(StemTester).advance('1d');
    app.get(StemTester).assertNotEnqueued('email.digest');
    await app.get(StemClient).schedules.resume('digest');
    await app.get(StemTester).advance('6h');
    app.get(StemTester).assertEnqueued('email.digest');
  });
});

describe('results', () => {
  it('are there for whoever knows the id', async () => {
    const { app, stem, tester } = await onTestTime(AppModule);
    await app.get(SignUps).signUp('42', recipient);
    await tester.advance('30s');
    await lookAtWelcome(stem);
    expect(printed).toEqual([['succeeded'], [1], [undefined], ['1']]);
  });

  it('are dead letters for those that gave up', async () => {
    const { stem, tester } = await onTestTime(AppModule);
    mailService.mockRejectedValueOnce(new Error('no network'));
    await stem.enqueue(SendEmail, { recipient }, { id: 'welcome-42', maxRetries: 0 });
    await tester.drain();
    await lookAtQueue(stem);
    await lookAtDeadLetters(stem);
    expect(printed).toEqual([
      [{ queued: 0, running: 0, scheduled: 0, deadLetters: 1 }],
      ['welcome-42', 'email.send', 'retries-exhausted', 'no network'],
    ]);
    await tester.drain();
    expect(await stem.task('welcome-42').result()).toEqual({ messageId: '1' });
  });

  it('are told to listeners in the process', async () => {
    const complain = jest.spyOn(console, 'error').mockImplementation();
    mailService.mockRejectedValue(new Error('no network'));
    const app = await start({
      imports: [StemModule.forRoot(), StemTestingModule.forRoot({ mode: 'inline' })],
      providers: [EmailTasks, Alerts],
    });
    const { id } = await app.get(StemClient).enqueue(SendEmail, { recipient });
    expect(complain.mock.calls).toEqual([
      [`email.send ${id} gave up (retries-exhausted): no network`],
    ]);
  });
});

function hours(count: number): number {
  return count * 3_600_000;
}
