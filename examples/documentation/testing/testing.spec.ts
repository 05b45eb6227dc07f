import { AssertionError } from 'node:assert';
import type { TestingModule } from '@nestjs/testing';
import { getStemToken, StemClient } from 'nestjs-stem';
import { StemTester, StemTestingModule, type TestingMode } from 'nestjs-stem/testing';
import { start } from '../support/application.js';
import { AppModule } from './app.module.js';
import { EmailTasks, SendEmail } from './email.tasks.js';

let app: TestingModule;
let stem: StemClient;
let tester: StemTester;

async function boot(mode: TestingMode): Promise<void> {
  app = await start({
    imports: [
      AppModule,
      StemTestingModule.forRoot({ mode, now: new Date('2030-05-01T12:00:00Z') }),
    ],
  });
  stem = app.get(StemClient);
  tester = app.get(StemTester);
}

describe('what was enqueued', () => {
  beforeEach(() => boot('fake'));

  it('is listed', async () => {
    await stem.enqueue(SendEmail, { recipient: 'ops@example.com' }, { delay: '30s' });
    await stem.enqueue('invoice.send');

    const recipients = tester.enqueued(SendEmail).map(({ args }) => args.recipient); // typed
    expect(recipients).toEqual(['ops@example.com']);
    expect(tester.enqueued('email.send')[0]?.options.delay).toBe(30_000); // in milliseconds
    expect(tester.enqueued()).toHaveLength(2); // of all names, in order
  });

  it('is asserted', async () => {
    tester.assertNotEnqueued(); // nothing at all
    const recipient = 'ops@example.com';
    await stem.enqueue(SendEmail, { recipient }, { queue: 'mails', delay: '30s' });

    tester.assertEnqueued(SendEmail);
    tester.assertEnqueued(SendEmail, { recipient }, { queue: 'mails', delay: '30s', times: 1 });
    tester.assertEnqueued(SendEmail, (args) => args.recipient.endsWith('@example.com'));
    tester.assertNotEnqueued('report.send');
  });

  it('is told apart from what was not', async () => {
    await stem.enqueue(SendEmail, { recipient: 'ops@example.com' });
    for (const wrong of [
      () => tester.assertNotEnqueued(),
      () => tester.assertEnqueued('report.send'),
      () => tester.assertEnqueued(SendEmail, { recipient: 'dev@example.com' }),
      () => tester.assertEnqueued(SendEmail, undefined, { queue: 'mails' }),
      () => tester.assertEnqueued(SendEmail, undefined, { times: 2 }),
    ]) {
      expect(wrong).toThrow(AssertionError);
    }
  });
});

describe('running tasks', () => {
  beforeEach(() => boot('drain'));

  it('drains, runs one, shows what failed, and begins anew', async () => {
    const task = await stem.enqueue(SendEmail, { recipient: 'ops@example.com' });
    expect((await task.status())?.state).toBe('queued');

    await tester.drain(); // whatever is due, and whatever that enqueues
    expect((await task.status())?.state).toBe('succeeded');

    const sent = await tester.run(SendEmail, { recipient: 'ops@example.com' });
    expect(sent).toEqual({ messageId: '2' });

    app.get(EmailTasks).failures = 1;
    await tester.run(
      SendEmail,
      { recipient: 'ops@example.com' },
      { retries: true, headers: { tenant: 'billing' } },
    );

    app.get(EmailTasks).failures = Infinity;
    await stem.enqueue(SendEmail, { recipient: 'ops@example.com' }, { maxRetries: 0 });
    await tester.drain();
    expect(await tester.failed()).toMatchObject([{ name: 'email.send' }]); // dead letters

    await tester.clear(); // for the next test with the same application
    expect(await tester.failed()).toEqual([]);
  });

  it('throws what the handler threw', async () => {
    app.get(EmailTasks).failures = 1;
    await expect(tester.run(SendEmail, { recipient: 'ops@example.com' })).rejects.toThrow(
      'no answer from the server of ops@example.com',
    );
  });
});

describe('time', () => {
  beforeEach(() => boot('drain'));

  it('passes when the test says so', async () => {
    const recipient = 'ops@example.com';
    const soon = await stem.enqueue(SendEmail, { recipient }, { delay: '5m' });
    const late = await stem.enqueue(SendEmail, { recipient }, { at: new Date('2030-06-01') });

    await tester.advance('5m');
    expect((await soon.status())?.state).toBe('succeeded');
    expect((await late.status())?.state).toBe('scheduled');

    await tester.advance(new Date('2030-06-01T08:00:00Z'));
    expect((await late.status())?.finishedAt).toEqual(new Date('2030-06-01T00:00:00Z'));
    expect(tester.now()).toEqual(new Date('2030-06-01T08:00:00Z'));
  });

  it('stands still while somebody waits for a result', async () => {
    await stem.enqueue(SendEmail, { recipient: 'ops@example.com' }, { id: 'my-id' });

    const result = stem.task('my-id').result();
    await tester.drain();
    expect(await result).toEqual({ messageId: '1' });
  });
});

describe('several Stems', () => {
  beforeEach(() => boot('fake'));

  it('are looked at by their names', async () => {
    const billing = app.get<StemClient>(getStemToken('billing'));
    await billing.enqueue('invoice.send');

    tester.of('billing').assertEnqueued('invoice.send');
    tester.assertNotEnqueued();
  });
});
