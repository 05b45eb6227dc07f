import { Test, type TestingModule } from '@nestjs/testing';
import { StemClient } from 'nestjs-stem';
import { StemTester, StemTestingModule, type TestingMode } from 'nestjs-stem/testing';
import { AppModule } from '../src/app.module.js';
import { Mailer } from '../src/mailer.js';
import { SignUpService } from '../src/sign-up.service.js';
import { AskForFeedback, SendWelcome } from '../src/tasks.js';

const email = 'ada@example.com';
const SATURDAY = new Date('2030-06-01T12:00:00Z');

/** A mail server that can be out of order. */
class FakeMailer {
  readonly sent: string[] = [];
  failures = 0;

  async send(to: string, subject: string): Promise<string> {
    if (this.failures > 0) {
      this.failures--;
      throw new Error('mail server down');
    }
    this.sent.push(`${to}: ${subject}`);
    return `message-${this.sent.length}`;
  }
}

let app: TestingModule;
let tester: StemTester;
let mailer: FakeMailer;

/** The application as it is, with one module more. */
async function start(mode: TestingMode): Promise<void> {
  mailer = new FakeMailer();
  app = await Test.createTestingModule({
    imports: [AppModule, StemTestingModule.forRoot({ mode, now: SATURDAY })],
  })
    .overrideProvider(Mailer)
    .useValue(mailer)
    .compile();
  app.useLogger(false);
  await app.init();
  tester = app.get(StemTester);
}

afterEach(() => app.close());

describe('what a service enqueues', () => {
  beforeEach(() => start('fake'));

  it('is recorded, and does not run', async () => {
    await app.get(SignUpService).signUp(email);
    tester.assertEnqueued(SendWelcome, { email }, { times: 1 });
    tester.assertEnqueued(AskForFeedback, { email }, { delay: '7d', headers: { email } });
    tester.assertNotEnqueued('report.send');
    expect(mailer.sent).toEqual([]);
  });
});

describe('a request and its tasks', () => {
  beforeEach(() => start('inline'));

  it('are one, with retries', async () => {
    mailer.failures = 1;
    const id = await app.get(SignUpService).signUp(email);
    expect(await app.get(StemClient).task(id).result()).toEqual({ messageId: 'message-1' });
  });
});

describe('a handler', () => {
  beforeEach(() => start('drain'));

  it('is run by itself', async () => {
    expect(await tester.run(SendWelcome, { email })).toEqual({ messageId: 'message-1' });
    mailer.failures = 1;
    await expect(tester.run(SendWelcome, { email })).rejects.toThrow('mail server down');
  });
});

describe('what happens in time', () => {
  beforeEach(() => start('drain'));

  it('is retries, delayed tasks and schedules, in their order', async () => {
    mailer.failures = 2;
    await app.get(SignUpService).signUp(email);
    await tester.advance('2m');
    expect(mailer.sent).toEqual([]);
    await tester.advance('8d');
    expect(mailer.sent).toEqual([
      `${email}: Welcome`,
      'boss@example.com: The week',
      `${email}: How do you like it?`,
    ]);
  });

  it('ends in dead letters when nothing helps', async () => {
    mailer.failures = Infinity;
    await tester.advance('10m');
    await app.get(SignUpService).signUp(email);
    await tester.advance('1h');
    expect(await tester.failed()).toMatchObject([
      { name: 'welcome.send', attempt: 5, error: { message: 'mail server down' } },
    ]);
  });
});
