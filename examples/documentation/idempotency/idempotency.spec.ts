import type { TestingModule } from '@nestjs/testing';
import { StemClient, StemModule, type TaskContext } from 'nestjs-stem';
import { StemTester, StemTestingModule } from 'nestjs-stem/testing';
import { start } from '../support/application.js';
import { OrderTasks, SendEmail } from '../tasks/order.tasks.js';
import { chargeOnce } from './charge-once.js';
import { Database } from './database.js';
import { Imports } from './imports.js';
import { ImportTasks } from './import.tasks.js';
import { LetterTasks } from './letter.tasks.js';
import { LoyaltyTasks } from './loyalty.tasks.js';
import { OrdersService } from './orders.service.js';
import { OutboxTasks } from './outbox.tasks.js';
import { ChargeCard, PaymentTasks } from './payment.tasks.js';
import { Payments, Printer } from './services.js';

let app: TestingModule;
let tester: StemTester;
let stem: StemClient;
let db: Database;

beforeEach(async () => {
  db = new Database({
    done_tasks: 'id',
    printed: 'task_id',
    receipts: 'task_id',
    outbox: 'id',
    users: 'id',
  });
  app = await start({
    imports: [StemModule.forRoot(), StemTestingModule.forRoot({ mode: 'drain' })],
    providers: [
      { provide: Database, useValue: db },
      { provide: Imports, useValue: new Imports(db, 2_500, 1_500) },
      Payments,
      Printer,
      ImportTasks,
      LetterTasks,
      LoyaltyTasks,
      OrderTasks,
      OrdersService,
      OutboxTasks,
      PaymentTasks,
    ],
  });
  tester = app.get(StemTester);
  stem = app.get(StemClient);
});
afterEach(() => jest.restoreAllMocks());

type Handler = (args: never, ctx: TaskContext) => Promise<unknown>;

/** Lets the first run of a handler do all its work and fail then: nobody can tell whether it did. */
function failAfterwards<T extends object>(handlers: T, name: keyof T & string): jest.Mock {
  const methods = handlers as Record<string, Handler>;
  const run = (methods[name] as Handler).bind(handlers);
  const mock = jest.fn(run).mockImplementationOnce(async (args, ctx) => {
    await run(args, ctx);
    throw new Error('the connection was lost after the work');
  });
  methods[name] = mock;
  return mock;
}

/** Long enough for the retries of these tests. */
const settle = (): Promise<number> => tester.advance('1m');

describe('one task per thing', () => {
  it('is charged once, however often it is enqueued', async () => {
    const print = jest.spyOn(console, 'log').mockImplementation();
    const first = await chargeOnce(stem, 'order-1');
    const second = await chargeOnce(stem, 'order-1');
    await tester.drain();
    const third = await chargeOnce(stem, 'order-1');
    await tester.drain();
    expect([second.id, third.id]).toEqual([first.id, first.id]);
    expect(print.mock.calls).toEqual([['was enqueued before'], ['was enqueued before']]);
    expect(app.get(Payments).charged).toEqual(['order-1']);
  });
});

describe('the outbox', () => {
  it('hands every row on once, also when it dies between handing on and deleting', async () => {
    const orders = app.get(OrdersService);
    await orders.place('order-1', 'ada@example.com');
    await orders.place('order-2', 'bob@example.com');
    const query = db.query.bind(db);
    jest
      .spyOn(db, 'query')
      .mockImplementationOnce(query)
      .mockRejectedValueOnce(new Error('killed before the row was deleted'));
    await tester.advance('5s');
    expect(await tester.failed()).toMatchObject([{ name: 'outbox.relay' }]);
    expect(tester.enqueued(SendEmail)).toHaveLength(1);
    expect(db.rows('outbox')).toHaveLength(2);

    await tester.advance('5s');
    expect(tester.enqueued(SendEmail).map(({ id, args }) => [id, args])).toEqual([
      ['outbox-placed-order-1', { recipient: 'ada@example.com' }],
      ['outbox-placed-order-2', { recipient: 'bob@example.com' }],
    ]);
    expect(db.rows('outbox')).toEqual([]);
  });

  it('hands nothing on of an order that could not be placed', async () => {
    const orders = app.get(OrdersService);
    await orders.place('order-1', 'ada@example.com');
    await tester.advance('5s');
    await expect(orders.place('order-1', 'bob@example.com')).rejects.toThrow('there is one');
    expect(db.rows('orders')).toHaveLength(1);
    await tester.advance('5s');
    expect(tester.enqueued(SendEmail)).toMatchObject([{ args: { recipient: 'ada@example.com' } }]);
  });
});

describe('once in your database', () => {
  const credit = { userId: 'ada', points: 10 };
  beforeEach(() => db.query('INSERT INTO users (id, points) VALUES ($1, $2)', ['ada', 5]));

  it('adds once, though the handler runs twice', async () => {
    const runs = failAfterwards(app.get(LoyaltyTasks), 'credit');
    await stem.enqueue('loyalty.credit', credit);
    await settle();
    expect(runs).toHaveBeenCalledTimes(2);
    expect(db.rows('users')).toEqual([{ id: 'ada', points: 15 }]);
  });

  it('adds once, though two workers run it at the same moment', async () => {
    const handlers = app.get(LoyaltyTasks);
    const ctx = { id: 'task-1' } as TaskContext;
    await Promise.all([handlers.credit(credit, ctx), handlers.credit(credit, ctx)]);
    expect(db.rows('users')).toEqual([{ id: 'ada', points: 15 }]);
  });

  it('adds nothing, and remembers nothing, when the transaction fails', async () => {
    const transaction = db.transaction.bind(db);
    jest.spyOn(db, 'transaction').mockImplementationOnce((work) =>
      transaction(async (tx) => {
        await work(tx);
        throw new Error('no commit');
      }),
    );
    await stem.enqueue('loyalty.credit', credit);
    await tester.drain();
    expect([db.rows('users'), db.rows('done_tasks')]).toEqual([[{ id: 'ada', points: 5 }], []]);
    await settle();
    expect(db.rows('users')).toEqual([{ id: 'ada', points: 15 }]);
  });
});

describe('once at a service', () => {
  it('charges once, and writes one receipt, though the handler runs twice', async () => {
    const runs = failAfterwards(app.get(PaymentTasks), 'charge');
    const task = await stem.enqueue(ChargeCard, { orderId: 'order-1' });
    await settle();
    expect(runs).toHaveBeenCalledTimes(2);
    expect(await task.result()).toEqual({ receipt: 'receipt-1' });
    expect(app.get(Payments).charged).toEqual(['order-1']);
    expect(db.rows('receipts')).toEqual([
      { task_id: task.id, order_id: 'order-1', receipt: 'receipt-1' },
    ]);
  });
});

describe('rather never than twice', () => {
  it('prints one letter, and leaves it to people whether it was printed', async () => {
    const printer = app.get(Printer);
    printer.jamsAfterPrinting = true;
    const { id } = await stem.enqueue('letter.print', { letterId: 'letter-1' });
    await settle();
    expect(await tester.failed()).toMatchObject([{ id, error: { message: 'paper jam' } }]);

    printer.jamsAfterPrinting = false;
    await stem.deadLetters.replay({ ids: [id] });
    await settle();
    expect(printer.printed).toEqual(['letter-1']);
    expect(await tester.failed()).toMatchObject([
      {
        id,
        reason: 'unrecoverable',
        error: { message: 'letter letter-1 may have been printed already' },
      },
    ]);
  });
});

describe('in steps', () => {
  it('goes on where the last commit was', async () => {
    const task = await stem.enqueue('import.run', { importId: 'import-1' });
    await settle();
    expect(await task.status()).toMatchObject({ state: 'succeeded', attempt: 1 });
    expect(app.get(Imports).batches).toEqual([0, 1_000, 1_000, 2_000]);
    expect(db.rows('imported_rows').map(({ id }) => id)).toEqual(
      Array.from({ length: 2_500 }, (_, row) => row),
    );
  });
});

describe('children with an id', () => {
  it('are as many as if the parent had run once', async () => {
    const runs = failAfterwards(app.get(OrderTasks), 'ship');
    await stem.enqueue('order.ship', { orderId: 'order-1' });
    await settle();
    expect(runs).toHaveBeenCalledTimes(2);
    expect(tester.enqueued(SendEmail)).toMatchObject([{ id: 'shipped-order-1' }]);
  });
});
