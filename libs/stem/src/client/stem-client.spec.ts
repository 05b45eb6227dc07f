import { DAY, NOON, setup } from '../../../../test/support/client-stage.js';
import { resultReference } from '../broker/broker.js';
import { defineTask, type TaskDefinition } from '../core/define-task.js';
import {
  EnqueueOptionError,
  PayloadTooLargeError,
  ResultTimeoutError,
  TaskArgsError,
  TaskCancelledError,
  TaskExpiredError,
  TaskFailedError,
  TaskNotFoundError,
  UnknownTaskError,
} from '../core/errors.js';
import { describeFailure } from '../core/failure.js';
import { enqueueChild } from './child-task.js';
import type { EnqueueOptions } from './enqueue-options.js';

describe('enqueue', () => {
  it('sends a task by name, with the defaults', async () => {
    const { client } = setup();
    const task = await client.enqueue('email.send', { to: 'ada' });
    expect(task.created).toBe(true);
    expect(await task.status()).toEqual({
      id: task.id,
      name: 'email.send',
      state: 'queued',
      attempt: 0,
      deliveries: 0,
      queue: 'default',
      args: { to: 'ada' },
      headers: {},
      meta: {},
      progress: undefined,
      result: undefined,
      error: undefined,
      enqueuedAt: new Date(NOON),
      startedAt: undefined,
      finishedAt: undefined,
      notBefore: undefined,
      worker: undefined,
    });
  });

  it('sends {} when no arguments are given, and keeps null', async () => {
    const { client } = setup();
    const none = await client.enqueue('email.send');
    const nothing = await client.enqueue('email.send', null);
    expect((await none.status())?.args).toEqual({});
    expect((await nothing.status())?.args).toBeNull();
  });

  it('takes every option along', async () => {
    const { client, openConsumer, claim, clock } = setup();
    const task = await client.enqueue('email.send', [1], {
      id: 'my-id',
      headers: { tenant: 'billing' },
      meta: { source: 'web' },
      queue: 'mail',
      priority: 9,
      delay: '30s',
      expires: '1h',
      maxRetries: 2,
      resultTtl: '5m',
    });
    expect(await task.status()).toMatchObject({
      id: 'my-id',
      state: 'scheduled',
      queue: 'mail',
      headers: { tenant: 'billing' },
      meta: { source: 'web' },
      notBefore: new Date(NOON + 30_000),
    });
    clock.at += 30_000;
    expect(await claim(await openConsumer())).toMatchObject({
      priority: 9,
      envelope: { maxRetries: 2, resultTtlMs: 300_000, expires: true },
    });
  });

  it('waits until `at`', async () => {
    const { client } = setup();
    const at = new Date(NOON + 5_000);
    const task = await client.enqueue('email.send', {}, { at });
    expect((await task.status())?.notBefore).toEqual(at);
  });

  it('uses what the task says of itself, unless the call says otherwise', async () => {
    const { client, know } = setup();
    know('report', { queue: 'mail', priority: 3 });
    const own = await client.enqueue('report');
    const other = await client.enqueue('report', {}, { queue: 'a' });
    expect([(await own.status())?.queue, (await other.status())?.queue]).toEqual(['mail', 'a']);
  });

  it('accepts a definition that nothing has registered, with its options', async () => {
    const { client } = setup();
    const Report = defineTask<{ month: number }>('report', { queue: 'mail' });
    const task = await client.enqueue(Report, { month: 1 });
    expect(await task.status()).toMatchObject({ name: 'report', queue: 'mail' });
  });

  it('refuses an unknown name with the nearest known one', async () => {
    const { client } = setup();
    await expect(client.enqueue('email.sent')).rejects.toThrow(UnknownTaskError);
    await expect(client.enqueue('email.sent')).rejects.toThrow("Did you mean 'email.send'?");
  });

  it('learns of a task that is registered later', async () => {
    const { client, know } = setup();
    await expect(client.enqueue('late')).rejects.toThrow(UnknownTaskError);
    know('late', { queue: 'mail' });
    expect(await (await client.enqueue('late')).status()).toMatchObject({ queue: 'mail' });
  });

  it('sends unknown names when they are allowed', async () => {
    const { client } = setup({ allowUnknownTasks: true });
    expect(await (await client.enqueue('elsewhere')).status()).toMatchObject({ state: 'queued' });
    await expect(client.enqueue(' ')).rejects.toThrow(EnqueueOptionError);
  });

  it.each<[string, unknown, EnqueueOptions | undefined, unknown]>([
    ['a function', { f: () => 1 }, undefined, TaskArgsError],
    ['a BigInt', { n: 1n }, undefined, TaskArgsError],
    ['too much', 'x'.repeat(1_001), undefined, PayloadTooLargeError],
    ['a header that is no text', {}, { headers: { a: 1 } as never }, TaskArgsError],
    ['too large headers', {}, { headers: { a: 'x'.repeat(300) } }, PayloadTooLargeError],
    ['meta that is no object', {}, { meta: [] as never }, EnqueueOptionError],
    ['unfaithful meta', {}, { meta: { f: NaN } }, TaskArgsError],
  ])('refuses %s before anything is sent', async (_, args, options, expected) => {
    const { client, broker } = setup();
    await expect(client.enqueue('email.send', args, options)).rejects.toThrow(expected as Error);
    expect(await broker.listQueues()).toEqual([]);
  });

  it.each<[string, object]>([
    ['delay', { delay: 'soon' }],
    ['delay', { delay: '1s', at: new Date() }],
    ['at', { at: new Date(NaN) }],
    ['at', { at: 1_000 }],
    ['expires', { expires: 0 }],
    ['expires', { expires: new Date(NaN) }],
    ['priority', { priority: 10 }],
    ['priority', { priority: 1.5 }],
    ['queue', { queue: 'a{b}' }],
    ['id', { id: '' }],
    ['id', { id: 'x'.repeat(201) }],
    ['maxRetries', { maxRetries: -1 }],
    ['resultTtl', { resultTtl: -1 }],
    ['unique', { unique: 'yes' }],
    ['uniqueKey', { uniqueKey: 1 }],
    ['uniqueFor', { uniqueFor: 0 }],
    ['priority', { priorty: 1 }],
  ])('refuses a bad %s in %p and names it', async (option, options) => {
    const { client, broker } = setup();
    const call = client.enqueue('email.send', {}, options as EnqueueOptions);
    await expect(call).rejects.toThrow(EnqueueOptionError);
    await expect(call).rejects.toThrow(option);
    expect(await broker.listQueues()).toEqual([]);
  });

  it('creates one task per id', async () => {
    const { client } = setup();
    const first = await client.enqueue('email.send', 1, { id: 'same' });
    const second = await client.enqueue('email.send', 2, { id: 'same' });
    expect([first.created, second.created]).toEqual([true, false]);
    expect((await second.status())?.args).toBe(1);
  });

  describe('unique', () => {
    it.each<[string, boolean, unknown, EnqueueOptions, unknown, EnqueueOptions]>([
      ['equal arguments', true, { a: 1, b: 2 }, {}, { a: 1, b: 2 }, {}],
      [
        'another order of properties',
        true,
        { a: 1, b: { c: 1, d: 2 } },
        {},
        { b: { d: 2, c: 1 }, a: 1 },
        {},
      ],
      ['other arguments', false, { a: 1 }, {}, { a: 2 }, {}],
      ['an array for an object', false, { a: 1 }, {}, [['a', 1]], {}],
      ['another queue', false, 1, {}, 1, { queue: 'mail' }],
      ['one key', true, 1, { uniqueKey: 'k' }, 2, { uniqueKey: 'k' }],
      ['another key', false, 1, { uniqueKey: 'k' }, 1, { uniqueKey: 'l' }],
      ['a key that looks like arguments', false, 1, {}, 1, { uniqueKey: '1' }],
      ['a call that does not want it', false, 1, {}, 1, { unique: false }],
    ])('%s: the same task is %p', async (_, same, argsA, optionsA, argsB, optionsB) => {
      const { client } = setup();
      const a = await client.enqueue('email.send', argsA, { unique: true, ...optionsA });
      const b = await client.enqueue('email.send', argsB, { unique: true, ...optionsB });
      expect(b.created).toBe(!same);
      expect(b.id === a.id).toBe(same);
    });

    it('keeps tasks of different names apart', async () => {
      const { client, know } = setup();
      know('other');
      await client.enqueue('email.send', 1, { unique: true });
      expect((await client.enqueue('other', 1, { unique: true })).created).toBe(true);
    });

    it('takes the key that the definition computes', async () => {
      const { client } = setup();
      const Sync = defineTask<{ user: string; at: number }>('sync', {
        uniqueKey: ({ user }) => user,
      });
      const first = await client.enqueue(Sync, { user: 'ada', at: 1 });
      const second = await client.enqueue(Sync, { user: 'ada', at: 2 });
      expect(second.id).toBe(first.id);
    });

    it('lasts no longer than uniqueFor', async () => {
      const { client, clock } = setup();
      await client.enqueue('email.send', 1, { uniqueFor: '1m' });
      clock.at += 60_001;
      expect((await client.enqueue('email.send', 1, { uniqueFor: '1m' })).created).toBe(true);
    });

    it('does not go with an own id where there are several partitions', async () => {
      const { client } = setup({ partitions: 2 });
      const call = client.enqueue('email.send', 1, { unique: true, id: 'mine' });
      await expect(call).rejects.toThrow(/id.*partitions/);
    });
  });
});

describe('enqueueMany', () => {
  it('keeps the order and returns a handle for each', async () => {
    const { client, openConsumer, claim } = setup();
    const handles = await client.enqueueMany([
      { task: 'email.send', args: 1 },
      { task: 'email.send', args: 2 },
    ]);
    const consumer = await openConsumer();
    const claimed = [await claim(consumer), await claim(consumer)];
    expect(claimed.map(({ envelope }) => envelope.id)).toEqual(handles.map(({ id }) => id));
  });

  it('sends nothing when one of them cannot be sent', async () => {
    const { client, broker } = setup();
    const call = client.enqueueMany([
      { task: 'email.send', args: 1 },
      { task: 'email.send', args: 1n },
    ]);
    await expect(call).rejects.toThrow(TaskArgsError);
    expect(await broker.listQueues()).toEqual([]);
  });

  it('does nothing for nothing', async () => {
    expect(await setup().client.enqueueMany([])).toEqual([]);
  });

  it('is typed by the definitions', async () => {
    const { client } = setup();
    const Add = defineTask<{ a: number }, number>('add');
    const Ping: TaskDefinition<undefined, string> = defineTask<undefined, string>('ping');
    const [sum, pong, mail] = await client.enqueueMany([
      { task: Add, args: { a: 1 } },
      { task: Ping },
      { task: 'email.send', args: 'anything' },
    ]);
    const promises: [Promise<number>, Promise<string>, Promise<unknown>] = [
      sum.result({ timeout: 1 }),
      pong.result({ timeout: 1 }),
      mail.result({ timeout: 1 }),
    ];
    expect((await Promise.allSettled(promises)).map(({ status }) => status)).toEqual(
      Array(3).fill('rejected'),
    );
    // @ts-expect-error -- `a` is a number
    await client.enqueueMany([{ task: Add, args: { a: 'one' } }]);
    // @ts-expect-error -- arguments are needed
    await client.enqueueMany([{ task: Add }]);
    // @ts-expect-error -- `a` is a number
    await client.enqueue(Add, { a: 'one' });
    // @ts-expect-error -- arguments are needed
    await client.enqueue(Add);
    const Convert = defineTask<{ currency: 'EUR' | 'USD' }>('convert');
    // @ts-expect-error -- CHF is not one of the currencies
    await client.enqueue(Convert, { currency: 'CHF' });
    // @ts-expect-error -- there is no such argument
    await client.enqueue(Add, { a: 1, b: 2 });
    await client.enqueue(Ping);
    await client.enqueue(Ping, undefined, { priority: 1 });
  });
});

describe('result', () => {
  it('is what the handler returned, awaited from before it ran', async () => {
    const { client, openConsumer, claim } = setup();
    const task = await client.enqueue<{ ok: boolean }>('email.send');
    const awaited = task.result();
    const consumer = await openConsumer();
    const delivery = await claim(consumer);
    await consumer.complete(delivery, { result: '{"ok":true}', startedAt: NOON, ttlMs: DAY });
    expect(await awaited).toEqual({ ok: true });
    expect(await client.task(task.id).result()).toEqual({ ok: true });
    expect(await task.status()).toMatchObject({
      state: 'succeeded',
      result: { ok: true },
      startedAt: new Date(NOON),
      finishedAt: new Date(NOON),
      worker: consumer.id,
    });
  });

  it('is undefined when the handler returned nothing', async () => {
    const { client, openConsumer, claim } = setup();
    const task = await client.enqueue('email.send');
    const consumer = await openConsumer();
    const delivery = await claim(consumer);
    await consumer.complete(delivery, { result: undefined, startedAt: NOON, ttlMs: DAY });
    expect(await task.result()).toBeUndefined();
  });

  it('comes from the result backend that the record refers to', async () => {
    const { client, openConsumer, claim, resultBackend } = setup();
    const task = await client.enqueue('email.send');
    const consumer = await openConsumer();
    const delivery = await claim(consumer);
    const reference = resultReference(delivery);
    await resultBackend.put(reference.slice(1), '[1,2]', 1_000);
    await consumer.complete(delivery, { result: reference, startedAt: NOON, ttlMs: DAY });
    expect(await task.result()).toEqual([1, 2]);
    expect((await task.status())?.result).toEqual([1, 2]);
  });

  it('is not found when the result backend has forgotten it', async () => {
    const { client, openConsumer, claim } = setup();
    const task = await client.enqueue('email.send');
    const consumer = await openConsumer();
    const delivery = await claim(consumer);
    await consumer.complete(delivery, {
      result: resultReference(delivery),
      startedAt: NOON,
      ttlMs: DAY,
    });
    await expect(task.result()).rejects.toThrow(TaskNotFoundError);
    expect((await task.status())?.state).toBe('succeeded');
  });

  it('throws the error of a handler that gave up, as cause', async () => {
    const { client, openConsumer, claim } = setup();
    const task = await client.enqueue('email.send');
    const consumer = await openConsumer();
    const thrown = Object.assign(new RangeError('too far'), { code: 'E_FAR' });
    await consumer.fail(await claim(consumer), {
      failure: describeFailure(thrown),
      reason: 'retries-exhausted',
      startedAt: NOON,
    });
    const error: unknown = await task.result().catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(TaskFailedError);
    expect(error).toMatchObject({
      taskId: task.id,
      taskName: 'email.send',
      cause: { name: 'RangeError', message: 'too far', code: 'E_FAR' },
    });
    expect((error as Error).message).toContain('RangeError: too far');
    expect(await task.status()).toMatchObject({ state: 'failed', error: { name: 'RangeError' } });
  });

  it('throws when the task was cancelled, with the reason', async () => {
    const { client } = setup();
    const task = await client.enqueue('email.send');
    const awaited = task.result();
    expect(await client.cancel(task.id, { reason: 'a mistake' })).toBe('cancelled');
    await expect(awaited).rejects.toThrow(TaskCancelledError);
    await expect(task.result()).rejects.toThrow('a mistake');
    expect(await task.cancel()).toBe('ended');
  });

  it('throws when the task expired', async () => {
    const { client, clock, broker } = setup();
    const task = await client.enqueue('email.send', {}, { expires: '1s' });
    clock.at += 1_001;
    await broker.settleDue('default');
    await expect(task.result()).rejects.toThrow(TaskExpiredError);
  });

  it('throws when it takes longer than the timeout', async () => {
    const { client } = setup();
    const task = await client.enqueue('email.send');
    await expect(task.result({ timeout: 10 })).rejects.toThrow(ResultTimeoutError);
    await expect(task.result({ timeout: 0 })).rejects.toThrow(ResultTimeoutError);
  });

  it('of an unknown task is not found; its status is undefined', async () => {
    const { client } = setup();
    await expect(client.task('nowhere').result()).rejects.toThrow(TaskNotFoundError);
    expect(await client.task('nowhere').status()).toBeUndefined();
    expect(await client.cancel('nowhere')).toBe('not-found');
  });
});

describe('queues', () => {
  it('are listed by name, paused, resumed and purged', async () => {
    const { client } = setup();
    await client.enqueue('email.send', {}, { queue: 'b' });
    const task = await client.enqueue('email.send', {}, { queue: 'a' });
    await client.queues.pause('a');
    expect((await client.queues.list()).map(({ name, paused }) => [name, paused])).toEqual([
      ['a', true],
      ['b', false],
    ]);
    await client.queues.resume('a');
    expect(await client.queues.stats('a')).toMatchObject({ paused: false, queued: 1 });
    expect(await client.queues.purge('a')).toBe(1);
    expect((await task.status())?.state).toBe('cancelled');
  });
});

describe('signals', () => {
  it('tell of a task before and after it is published', async () => {
    const { client, broker } = setup();
    const seen: unknown[] = [];
    client.signals.on('beforeTaskPublish', async ({ task }) => {
      seen.push(['before', task.name, (await broker.find(task.id))?.state]);
    });
    client.signals.on('afterTaskPublish', async ({ task, created }) => {
      seen.push(['after', task.headers, created, (await broker.find(task.id))?.state]);
    });
    const options = { headers: { a: 'b' }, id: 'same' };
    await client.enqueue('email.send', {}, options);
    await client.enqueue('email.send', {}, options);
    expect(seen).toEqual([
      ['before', 'email.send', undefined],
      ['after', { a: 'b' }, true, 'queued'],
      ['before', 'email.send', 'queued'],
      ['after', { a: 'b' }, false, 'queued'],
    ]);
  });

  it('do not stop a task when a listener throws', async () => {
    const { client, errors } = setup();
    client.signals.on('beforeTaskPublish', () => {
      throw new Error('broken listener');
    });
    expect((await client.enqueue('email.send')).created).toBe(true);
    expect(errors.join()).toContain('broken listener');
  });
});

describe('a child task', () => {
  it('keeps the headers of its parent, and names parent and root', async () => {
    const { client, openConsumer, claim } = setup();
    const consumer = await openConsumer();
    const root = await client.enqueue('email.send', {}, { headers: { a: '1', b: '1' } });
    const child = await enqueueChild(client, await claim(consumer), 'email.send', 1, {
      headers: { b: '2' },
      meta: { mine: true },
    });
    expect(await child.status()).toMatchObject({
      headers: { a: '1', b: '2' },
      meta: { mine: true, 'stem.parentTaskId': root.id, 'stem.rootTaskId': root.id },
    });
    const grandchild = await enqueueChild(client, await claim(consumer), 'email.send');
    expect((await grandchild.status())?.meta).toEqual({
      'stem.parentTaskId': child.id,
      'stem.rootTaskId': root.id,
    });
  });
});
