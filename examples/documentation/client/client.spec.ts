import { StemClient, StemModule, TaskCancelledError } from 'nestjs-stem';
import { StemTester, StemTestingModule } from 'nestjs-stem/testing';
import { start } from '../support/application.js';
import { forget, lookAtDeadLetters, startOver } from './dead-letters.js';
import { enqueueTogether, enqueueTwo } from './enqueue.js';
import { Orders } from './orders.service.js';
import { stopReports, lookAtQueues } from './queues.js';
import { listStuck, lookAt, waitFor, withdraw } from './results.js';
import { SendEmail, Tasks } from './tasks.js';

const NOON = new Date('2030-06-01T12:00:00Z');
const recipient = 'ops@example.com';

let stem: StemClient;
let tester: StemTester;
let printed: unknown[][];

beforeEach(async () => {
  const app = await start({
    imports: [StemModule.forRoot(), StemTestingModule.forRoot({ mode: 'drain', now: NOON })],
    providers: [Tasks],
  });
  stem = app.get(StemClient);
  tester = app.get(StemTester);
  printed = [];
  jest.spyOn(console, 'log').mockImplementation((...words) => void printed.push(words));
});
afterEach(() => jest.restoreAllMocks());

/** Tasks that gave up at once. */
async function fail(...ids: string[]): Promise<void> {
  for (const id of ids)
    await stem.enqueue(SendEmail, { recipient: 'nowhere' }, { id, maxRetries: 0 });
  await tester.drain();
}

describe('the client', () => {
  it('is there for each Stem of an application', async () => {
    const app = await start({
      imports: [
        StemModule.forRoot(),
        StemModule.forRoot({ name: 'billing' }),
        StemTestingModule.forRoot(),
      ],
      providers: [Orders, Tasks],
    });
    await app.get(Orders).place('4711', recipient);
    app.get(StemTester).assertEnqueued(SendEmail, { recipient }, { times: 1 });
    app.get(StemTester).assertNotEnqueued('card.charge');
    app.get(StemTester).of('billing').assertEnqueued('card.charge', { orderId: '4711' });
  });

  it('enqueues one by one', async () => {
    await enqueueTwo(stem);
    const [delayed, other] = tester.enqueued(SendEmail);
    expect(delayed?.options.delay).toBe(30_000);
    expect(printed).toEqual([[delayed?.id, other?.id], [true]]);
    expect(await stem.task(delayed?.id ?? '').status()).toMatchObject({ state: 'scheduled' });
  });

  it('enqueues several at once', async () => {
    await enqueueTogether(stem);
    const [mail, charge] = tester.enqueued();
    expect(mail).toMatchObject({ name: 'email.send', options: { priority: 9 } });
    expect(charge).toMatchObject({ name: 'card.charge', args: { orderId: '4711' } });
    expect(printed).toEqual([[mail?.id, charge?.id]]);
  });
});

describe('a handle', () => {
  it('waits for what the handler returns', async () => {
    const { id } = await stem.enqueue(SendEmail, { recipient });
    await tester.drain();
    await waitFor(stem, id);
    expect(printed).toEqual([['sent:', `message to ${recipient}`]]);
  });

  it('tells that the task gave up, and why', async () => {
    await fail('welcome-42');
    await waitFor(stem, 'welcome-42');
    expect(printed).toEqual([
      ['gave up:', expect.objectContaining({ message: 'nowhere is no address' })],
    ]);
  });

  it('tells when the time is over', async () => {
    const { id } = await stem.enqueue(SendEmail, { recipient });
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] });
    try {
      const waited = waitFor(stem, id);
      await jest.advanceTimersByTimeAsync(9_999);
      expect(printed).toEqual([]);
      await jest.advanceTimersByTimeAsync(1);
      await waited;
    } finally {
      jest.useRealTimers();
    }
    expect(printed).toEqual([['goes on:', id]]);
  });

  it('passes on how else the task ended', async () => {
    const { id } = await stem.enqueue(SendEmail, { recipient });
    await stem.cancel(id);
    await expect(waitFor(stem, id)).rejects.toThrow(TaskCancelledError);
  });

  it('shows the task as it is', async () => {
    const { id } = await stem.enqueue(SendEmail, { recipient: 'nowhere' });
    expect(await lookAt(stem, id)).toBe('queued');
    await tester.drain();
    expect(await lookAt(stem, id)).toMatch(
      /^try 2 follows at 2030-06-01T12:00:0\d\.\d{3}Z, after: nowhere is no address$/,
    );
    expect(await lookAt(stem, 'nobody')).toBe('not known, or not any more');
  });
});

describe('running tasks', () => {
  it('are listed, and cancelled', async () => {
    const app = await start({
      imports: [StemModule.forRoot({ worker: { queues: ['reports'], name: 'mill' } })],
      providers: [Tasks],
    });
    const real = app.get(StemClient);
    const runs = new Promise((resolve) => void real.signals.on('taskPrerun', resolve));
    const { id } = await real.enqueue('report.render');
    await runs;
    await listStuck(real);
    expect(printed).toEqual([
      [id, 'report.render', expect.any(Date), expect.stringMatching('mill')],
    ]);

    expect(await withdraw(real, id)).toBe('requested');
    await expect(real.task(id).result()).rejects.toThrow('order withdrawn');
    expect(await withdraw(real, id)).toBe('ended');
    expect(await withdraw(real, 'nobody')).toBe('not-found');
  });

  it('are cancelled before they run', async () => {
    const { id } = await stem.enqueue(SendEmail, { recipient });
    expect(await withdraw(stem, id)).toBe('cancelled');
  });
});

describe('dead letters', () => {
  const yesterday = new Date(NOON.getTime() - 86_400_000);

  it('are listed, latest first, and shown', async () => {
    await fail('welcome-41', 'welcome-42');
    await lookAtDeadLetters(stem, yesterday);
    expect(printed).toEqual([
      ['welcome-42', 'email.send', 'retries-exhausted'],
      ['welcome-41', 'email.send', 'retries-exhausted'],
      [{ recipient: 'nowhere' }, 'nowhere is no address'],
    ]);
  });

  it('are started over', async () => {
    await fail('welcome-41', 'welcome-42');
    await startOver(stem);
    expect(printed).toEqual([[2, 'again;', 0, 'were no dead letters any more']]);
    expect(await tester.failed()).toEqual([]);
    expect(await stem.task('welcome-42').status()).toMatchObject({
      state: 'scheduled',
      attempt: 0,
      notBefore: new Date(NOON.getTime() + 60_000),
    });
  });

  it('are deleted', async () => {
    await fail('welcome-41', 'welcome-42');
    await forget(stem);
    expect(printed).toEqual([[2, 'deleted']]);
    expect(await stem.task('welcome-42').status()).toBeUndefined();
  });
});

describe('queues', () => {
  it('are listed, paused and emptied', async () => {
    await fail('welcome-42');
    await stem.enqueue('report.render');
    await stem.enqueue('report.render', undefined, { delay: '1h' });
    await lookAtQueues(stem);
    const none = { paused: false, queued: 0, running: 0, scheduled: 0, deadLetters: 0 };
    expect(printed.splice(0)).toEqual([
      ['default', { ...none, deadLetters: 1 }],
      ['reports', { ...none, queued: 1, scheduled: 1 }],
    ]);

    await stopReports(stem);
    expect(printed).toEqual([[2, 'cancelled']]);
    expect(await stem.queues.stats('reports')).toMatchObject({ ...none, paused: true });
    await stem.queues.resume('reports');
    expect(await stem.queues.stats('reports')).toMatchObject(none);
  });
});
