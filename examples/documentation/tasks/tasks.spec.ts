import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Provider } from '@nestjs/common';
import {
  type Consumer,
  type ConsumerOptions,
  MemoryBroker,
  StemClient,
  StemModule,
  TaskCancelledError,
  type TaskStatus,
} from 'nestjs-stem';
import { StemTester, StemTestingModule, type TestingMode } from 'nestjs-stem/testing';
import { start } from '../support/application.js';
import { ChargeCard } from './charge-card.js';
import { DigestTask, ReportTasks } from './handlers.js';
import { ImageTasks } from './image.tasks.js';
import { ImportTasks } from './import.tasks.js';
import { InvoiceTasks } from './invoice.tasks.js';
import { OrderTasks, SendEmail } from './order.tasks.js';
import { Orders } from './orders.service.js';
import { PartnerTasks } from './partner.tasks.js';
import { PaymentTasks } from './payment.tasks.js';
import { Reindex } from './reindex.js';
import { CardGateway, InvalidAddress, Mailer, ServiceUnavailable, Shop } from './services.js';

/** An application with these providers, whose time is the test's. */
async function onTestTime(mode: TestingMode, ...providers: Provider[]) {
  const app = await start({
    imports: [StemModule.forRoot(), StemTestingModule.forRoot({ mode })],
    providers,
  });
  return { app, stem: app.get(StemClient), tester: app.get(StemTester) };
}

describe('handlers', () => {
  it('are methods and classes', async () => {
    const sendDigest = jest.fn(async (_userId: string, _signal: AbortSignal) => undefined);
    const { stem, tester } = await onTestTime('inline', ReportTasks, DigestTask, {
      provide: Mailer,
      useValue: { sendDigest },
    });
    const report = await stem.enqueue('report.render', { month: '2030-01' });
    expect(await report.result()).toEqual({ pages: 3 });
    expect((await report.status())?.queue).toBe('reports');
    await (await stem.enqueue('email.digest', { userId: 'ada' })).result();
    expect(sendDigest).toHaveBeenCalledWith('ada', expect.any(AbortSignal));

    sendDigest.mockRejectedValue(new Error('mail server down'));
    await stem.enqueue('email.digest', { userId: 'ada' });
    expect(await tester.failed()).toMatchObject([{ name: 'email.digest', attempt: 1 }]);
  });
});

describe('a definition', () => {
  it('types arguments and results', async () => {
    const charge = jest.fn(async (orderId: string) => `receipt of ${orderId}`);
    const { app, stem } = await onTestTime('inline', Orders, PaymentTasks, {
      provide: CardGateway,
      useValue: { charge },
    });
    expect(await app.get(Orders).pay('4711')).toBe('receipt of 4711');

    // @ts-expect-error: an order is named by a text.
    const wrong = () => stem.enqueue(ChargeCard, { orderId: 4711 });
    expect(wrong).toBeDefined();
  });

  it('has options that those of the handler win over', async () => {
    const charge = () => Promise.reject(new Error('declined'));
    const { stem, tester } = await onTestTime('inline', PaymentTasks, {
      provide: CardGateway,
      useValue: { charge },
    });
    const { id } = await stem.enqueue(ChargeCard, { orderId: '4711' });
    expect(await tester.failed()).toMatchObject([{ id, queue: 'payments', attempt: 8 }]);
  });
});

describe('a task with an id', () => {
  it('is enqueued once, and pays once though it runs twice', async () => {
    const charged = new Map<string, string>();
    let answers = 0;
    const charge = async (orderId: string, { idempotencyKey }: { idempotencyKey: string }) => {
      charged.set(idempotencyKey, orderId);
      if (++answers === 1) throw new Error('charged, but the answer got lost');
      return `receipt of ${orderId}`;
    };
    const { app, stem } = await onTestTime('inline', Orders, PaymentTasks, {
      provide: CardGateway,
      useValue: { charge },
    });
    expect(await app.get(Orders).payOnce('4711')).toBe(true);
    expect(await app.get(Orders).payOnce('4711')).toBe(false);
    expect(await stem.task('charge-4711').result()).toEqual({ receipt: 'receipt of 4711' });
    expect(answers).toBe(2);
    expect([...charged]).toEqual([['charge-4711', '4711']]);
  });
});

describe('the retries of invoice.send', () => {
  async function failingWith(error: () => Error, times = Infinity) {
    const sendInvoice = jest.fn(async () => {
      if (sendInvoice.mock.calls.length <= times) throw error();
    });
    const { stem, tester } = await onTestTime('drain', InvoiceTasks, {
      provide: Mailer,
      useValue: { sendInvoice },
    });
    const delays: number[] = [];
    stem.signals.on('taskRetry', ({ delayMs }) => void delays.push(delayMs));
    await stem.enqueue('invoice.send', { invoiceId: 'i-1' });
    await tester.advance('1h');
    return { delays, letters: await tester.failed() };
  }

  it('come later and later, up to a bound', async () => {
    const { delays, letters } = await failingWith(() => new ServiceUnavailable());
    const most = [2, 4, 8, 16, 32, 64, 128, 240].map((seconds) => seconds * 1000);
    expect(delays).toHaveLength(most.length);
    delays.forEach((delay, attempt) => {
      expect(delay).toBeLessThanOrEqual(most[attempt] as number);
      expect(delay).toBeGreaterThanOrEqual((most[attempt] as number) * 0.75);
    });
    expect(letters).toMatchObject([{ attempt: 8, reason: 'retries-exhausted' }]);
  });

  it('end when one succeeds', async () => {
    const { delays, letters } = await failingWith(() => new ServiceUnavailable(), 2);
    expect(delays).toHaveLength(2);
    expect(letters).toEqual([]);
  });

  it('are for errors that functions choose, too', async () => {
    const { delays } = await failingWith(() => new DOMException('too slow', 'TimeoutError'));
    expect(delays).toHaveLength(8);
  });

  it.each([InvalidAddress, TypeError])('are not for %p', async (Kind) => {
    const { delays, letters } = await failingWith(() => new Kind());
    expect(delays).toEqual([]);
    expect(letters).toMatchObject([{ attempt: 0, reason: 'not-retryable' }]);
  });
});

describe('a handler that decides itself', () => {
  let server: Server;
  let url: string;
  const answers: number[] = [];

  beforeAll(async () => {
    server = createServer((_, response) => response.writeHead(answers.shift() ?? 200).end());
    await once(server.listen(0, '127.0.0.1'), 'listening');
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });

  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  it('waits as long as it was asked to', async () => {
    answers.push(429, 500);
    const { stem, tester } = await onTestTime('drain', PartnerTasks);
    const delays: number[] = [];
    stem.signals.on('taskRetry', ({ delayMs }) => void delays.push(delayMs));
    const task = await stem.enqueue('partner.sync', { url });
    await tester.advance('59s');
    expect(await task.status()).toMatchObject({ state: 'retrying', attempt: 1 });
    await tester.advance('10s');
    expect(await task.status()).toMatchObject({ state: 'succeeded', attempt: 2 });
    expect(delays[0]).toBe(60_000);
  });

  it('gives up', async () => {
    answers.push(410);
    const { stem, tester } = await onTestTime('drain', PartnerTasks);
    await stem.enqueue('partner.sync', { url });
    await tester.drain();
    expect(await tester.failed()).toMatchObject([
      { attempt: 0, reason: 'unrecoverable', error: { message: `${url} is gone` } },
    ]);
  });
});

describe('a lease', () => {
  /** Writes down how long, at least, leases were asked for. */
  class WatchedBroker extends MemoryBroker {
    readonly asked: number[] = [];

    override async openConsumer(options: ConsumerOptions): Promise<Consumer> {
      const consumer = await super.openConsumer(options);
      const renew = consumer.renew.bind(consumer);
      consumer.renew = (atLeastMs) => {
        if (atLeastMs !== undefined) this.asked.push(atLeastMs);
        return renew(atLeastMs);
      };
      return consumer;
    }
  }

  it('is as long as the task and its handler ask, before the handler blocks', async () => {
    const broker = new WatchedBroker();
    const app = await start({ imports: [StemModule.forRoot({ broker })], providers: [ImageTasks] });
    const task = await app.get(StemClient).enqueue('image.hash', { path: __filename });
    expect(await task.result()).toMatch(/^[0-9a-f]{64}$/);
    expect(broker.asked).toEqual([5 * 60_000, 10 * 60_000]);
  });
});

describe('unique tasks', () => {
  it('are one while they wait, by their key', async () => {
    const { stem, tester } = await onTestTime('drain');
    const first = await stem.enqueue(Reindex, { shop: 'berlin' });
    const second = await stem.enqueue(Reindex, { shop: 'berlin', full: true });
    const other = await stem.enqueue(Reindex, { shop: 'paris' });
    expect(first.created).toBe(true);
    expect(second).toMatchObject({ id: first.id, created: false });
    expect(other.created).toBe(true);

    await tester.advance('61m');
    expect((await stem.enqueue(Reindex, { shop: 'berlin' })).created).toBe(true);

    await stem.cancel(other.id);
    await expect(other.result()).rejects.toThrow(TaskCancelledError);
    expect((await stem.enqueue(Reindex, { shop: 'paris' })).created).toBe(true);
  });
});

describe('progress', () => {
  it('can be seen while the task runs', async () => {
    let inTheMiddle: TaskStatus['progress'];
    const importRow = async (row: number) => {
      if (row === 1500) inTheMiddle = (await stem.task('import').status())?.progress;
    };
    const { stem } = await onTestTime('inline', ImportTasks, {
      provide: Shop,
      useValue: { importRow },
    });
    await stem.enqueue('import.run', { rows: 2000 }, { id: 'import' });
    expect(inTheMiddle).toEqual({ fraction: 0.5, data: { row: 1000 } });
  });
});

describe('a child', () => {
  it('has what its parent was sent with, and is one though the parent runs twice', async () => {
    const { stem, tester } = await onTestTime('inline', OrderTasks);
    const headers = { tenant: 'billing' };
    const parent = await stem.enqueue('order.ship', { orderId: '4711' }, { headers });
    expect(await stem.task('shipped-4711').status()).toMatchObject({
      headers,
      state: 'succeeded',
      meta: { 'stem.parentTaskId': parent.id, 'stem.rootTaskId': parent.id },
    });
    await tester.run('order.ship', { orderId: '4711' });
    expect(tester.enqueued(SendEmail)).toHaveLength(1);
  });
});
