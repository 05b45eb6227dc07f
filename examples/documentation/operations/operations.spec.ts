import type { TestingModule } from '@nestjs/testing';
import { StemClient, StemModule, Task, TaskFailedError } from 'nestjs-stem';
import { StemTester, StemTestingModule } from 'nestjs-stem/testing';
import { start } from '../support/application.js';
import { replayOutage, showKinds } from './dead-letters.js';
import { ForgetTasks } from './forget.tasks.js';

let mailServer: 'up' | 'down';

class EmailTasks {
  readonly sent: string[] = [];

  @Task('email.send', { maxRetries: 0 })
  send({ to }: { to: string }): void {
    if (mailServer === 'down') throw new Error('no mail server');
    this.sent.push(to);
  }
}

let app: TestingModule;
let tester: StemTester;
let stem: StemClient;

async function boot(now: Date): Promise<void> {
  mailServer = 'down';
  app = await start({
    imports: [StemModule.forRoot(), StemTestingModule.forRoot({ mode: 'drain', now })],
    providers: [EmailTasks, ForgetTasks],
  });
  tester = app.get(StemTester);
  stem = app.get(StemClient);
}
afterEach(() => jest.restoreAllMocks());

async function die(to: string): Promise<void> {
  await stem.enqueue('email.send', { to });
  await tester.drain();
}

describe('dead letters', () => {
  beforeEach(() => boot(new Date('2030-06-01T12:00:00Z')));

  it('are summed up by kind', async () => {
    const print = jest.spyOn(console, 'table').mockImplementation();
    await die('ada');
    await die('bob');
    await showKinds(stem);
    expect(print.mock.calls).toEqual([[[['email.send: retries-exhausted: no mail server', 2]]]]);
  });

  it('of an outage are replayed, one before the others, and older ones deleted', async () => {
    await die('before');
    await tester.advance('1h');
    const outageBegan = tester.now();
    await tester.advance('1m');
    await die('first');
    await die('second');
    mailServer = 'up';

    const replay = replayOutage(stem, outageBegan);
    await tester.drain();
    await replay;
    expect(app.get(EmailTasks).sent).toEqual(['first']);
    expect(await tester.failed()).toEqual([]);
    await tester.advance('9s');
    expect(app.get(EmailTasks).sent).toEqual(['first']);
    await tester.advance('1s');
    expect(app.get(EmailTasks).sent).toEqual(['first', 'second']);
  });

  it('stay where they are when the one that was tried fails again', async () => {
    const outageBegan = tester.now();
    await die('first');
    await die('second');
    const replay = expect(replayOutage(stem, outageBegan)).rejects.toThrow(TaskFailedError);
    await tester.drain();
    await replay;
    expect(await tester.failed()).toHaveLength(2);
  });
});

describe('forgetting dead letters', () => {
  it('deletes those that are older than thirty days, each night', async () => {
    await boot(new Date('2030-06-01T12:00:00Z'));
    jest.spyOn(Date, 'now').mockImplementation(() => tester.now().getTime());
    await die('old');
    await tester.advance('1d');
    await die('younger');
    const left = async (): Promise<unknown[]> => (await tester.failed()).map(({ args }) => args);
    await tester.advance(new Date('2030-07-01T12:00:00Z'));
    expect(await left()).toEqual([{ to: 'old' }, { to: 'younger' }]);
    await tester.advance('1d');
    expect(await left()).toEqual([{ to: 'younger' }]);
    expect(tester.enqueued('dead-letters.forget')).toHaveLength(31);
  });
});
