import { Redis } from 'ioredis';
import type { StemClient } from '../../libs/stem/src/client/stem-client.js';
import { MemoryBroker } from '../../libs/stem/src/broker/memory/memory-broker.js';
import type { ResolvedWorkerOptions } from '../../libs/stem/src/config/resolved-config.js';
import type { Worker } from '../../libs/stem/src/worker/worker.js';
import { eventually } from '../contract/broker-harness.js';
import { type RedisServer, startRedisServer } from '../support/redis-server.js';
import { freshNamespace, gate, type Gate, redisStem, TestStem } from '../support/stem.js';
import { WorkerProcess } from '../support/worker-process.js';

/** Without heartbeats there might be further workers of a name, which are waited for. */
const SHORTLY = { timeout: 300 } as const;

let redis: RedisServer;
beforeAll(async () => {
  redis = await startRedisServer();
});
afterAll(() => redis.stop());

const stems: TestStem[] = [];
afterEach(async () => {
  await WorkerProcess.killAll();
  await Promise.all(stems.splice(0).map((stem) => stem.close()));
});

/** Stems of one namespace, each as a process of its own would have it. */
type NewStem = () => Promise<TestStem>;
const kinds: [string, () => NewStem][] = [
  [
    'in memory',
    () => {
      const content = new MemoryBroker();
      return () => Promise.resolve(new TestStem(new MemoryBroker({ sharedWith: content })));
    },
  ],
  [
    'over Redis',
    () => {
      const namespace = freshNamespace();
      return () => redisStem(redis.url(), namespace);
    },
  ],
];

describe.each(kinds)('workers that are told something, %s', (_kind, newStems) => {
  let newStem: NewStem;
  let client: StemClient;
  let held: Gate;

  beforeEach(async () => {
    newStem = newStems();
    client = (await stem()).client;
    held = gate();
  });
  afterEach(() => held.open());

  const stem = async (): Promise<TestStem> => {
    const made = await newStem();
    stems.push(made);
    return made
      .task('wait', (_args, { signal }) =>
        Promise.race([
          held.promise,
          new Promise((_, reject) =>
            signal.addEventListener('abort', () => reject(signal.reason as Error)),
          ),
        ]),
      )
      .task('echo', (args) => args);
  };
  const worker = async (options: Partial<ResolvedWorkerOptions> = {}): Promise<Worker> => {
    const made = (await stem()).worker(options);
    await made.start();
    return made;
  };

  it('all answer a ping, and who is addressed but not there is shown', async () => {
    const one = await worker({ name: 'a' });
    const other = await worker({ name: 'b' });

    const replies = await client.workers.ping();
    expect(replies).toMatchObject([
      { worker: one.id, name: 'a', status: 'ok', answer: { state: 'ready', isHealthy: true } },
      { worker: other.id, name: 'b', status: 'ok' },
    ]);
    expect(await client.workers.ping({ worker: ['b', 'gone'], timeout: 300 })).toMatchObject([
      { worker: other.id, status: 'ok' },
      { worker: 'gone', status: 'no-answer', answer: undefined },
    ]);
    expect(await client.workers.ping({ worker: one.id })).toMatchObject([{ worker: one.id }]);
  });

  it('answer at once, and nobody waits when there are none', async () => {
    const from = performance.now();
    expect(await client.workers.ping({ timeout: '10s' })).toEqual([]);
    await worker();
    await client.workers.ping({ timeout: '10s' });
    expect(performance.now() - from).toBeLessThan(5_000);
  });

  it('show what they do, and the tasks in their hands', async () => {
    const tasks = await client.enqueueMany(Array<{ task: 'wait' }>(4).fill({ task: 'wait' }));
    const busy = await worker({ concurrency: 2, prefetchMultiplier: 2 });
    await eventually(() => expect(busy.held).toBe(4));

    const [inspected] = await client.workers.inspect();
    expect(inspected?.answer?.total).toBe(4);
    expect(inspected?.answer?.tasks).toEqual(
      tasks.map(({ id }, index) => ({
        id,
        name: 'wait',
        queue: 'default',
        state: index < 2 ? 'running' : 'held',
        attempt: 0,
        deliveries: 1,
        ...(index < 2 ? { runningMs: expect.any(Number) } : {}),
      })),
    );
    expect((await client.workers.inspect({ limit: 1 }))[0]?.answer).toMatchObject({
      tasks: [{ id: tasks[0]?.id }],
      total: 4,
    });
    expect((await client.workers.stats())[0]?.answer).toMatchObject({
      state: 'ready',
      isHealthy: true,
      pid: process.pid,
      queues: ['default'],
      paused: [],
      concurrency: 2,
      prefetch: 4,
      running: 2,
      held: 4,
      counts: { runs: { succeeded: 0 }, leasesLost: 0, blocks: 0 },
    });
  });

  it('pause a queue for themselves, give back what has not started, and resume', async () => {
    const paused = await worker({ name: 'a', concurrency: 1, queues: ['default', 'other'] });
    const running = await client.enqueue('wait');
    const waiting = await client.enqueue('echo', 1);
    await eventually(() => expect(paused.held).toBe(2));

    expect(
      await client.workers.pause({ queues: 'default', worker: 'a', ...SHORTLY }),
    ).toMatchObject([
      { status: 'ok', answer: { queues: ['default', 'other'], paused: ['default'] } },
    ]);
    await eventually(async () => {
      expect((await waiting.status())?.state).toBe('queued');
    });
    held.open();
    await running.result({ timeout: '5s' });
    const elsewhere = await client.enqueue('echo', 2, { queue: 'other' });
    expect(await elsewhere.result({ timeout: '5s' })).toBe(2);
    expect((await waiting.status())?.state).toBe('queued');
    expect((await client.queues.stats('default')).paused).toBe(false);

    await worker({ name: 'b' });
    expect(await waiting.result({ timeout: '5s' })).toBe(1);

    const [resumed] = await client.workers.resume({
      queues: ['default'],
      worker: 'a',
      ...SHORTLY,
    });
    expect(resumed?.answer?.paused).toEqual([]);
    await client.workers.shutdown({ worker: 'b', ...SHORTLY });
    expect(await (await client.enqueue('echo', 3)).result({ timeout: '5s' })).toBe(3);
  });

  it('refuse to pause a queue that they do not serve', async () => {
    await worker();
    expect(await client.workers.pause({ queues: 'defualt' })).toMatchObject([
      { status: 'error', answer: undefined, error: expect.stringContaining('default') },
    ]);
  });

  it('stop when told to, after their running tasks, and answer before', async () => {
    const stopped = await worker({ name: 'a' });
    const other = await worker({ name: 'b', queues: ['other'] });
    const task = await client.enqueue('wait');
    await eventually(() => expect(stopped.running).toBe(1));

    expect(await client.workers.shutdown({ worker: 'a', ...SHORTLY })).toMatchObject([
      { worker: stopped.id, status: 'ok', answer: { mode: 'warm', running: 1 } },
    ]);
    await eventually(() => expect(stopped.state).toBe('stopping'));
    expect(await client.workers.ping({ worker: stopped.id })).toMatchObject([
      { answer: { state: 'stopping' } },
    ]);
    held.open();
    await stopped.whenStopped;
    expect(await task.status()).toMatchObject({ state: 'succeeded' });
    expect(other.state).toBe('ready');
    expect(await client.workers.ping()).toMatchObject([{ worker: other.id }]);
  });

  it('give back what runs when they are told to stop hard', async () => {
    const stopped = await worker();
    const task = await client.enqueue('wait');
    await eventually(() => expect(stopped.running).toBe(1));
    await client.workers.shutdown({ mode: 'hard' });
    await stopped.whenStopped;
    expect(await task.status()).toMatchObject({ state: 'queued', attempt: 0, deliveries: 0 });
  });

  it('stop tasks that are revoked; those that wait elsewhere are cancelled, too', async () => {
    const [running, waiting, far] = await client.enqueueMany([
      { task: 'wait' },
      { task: 'echo' },
      { task: 'echo', options: { queue: 'nobody' } },
    ]);
    const busy = await worker({ concurrency: 1, prefetchMultiplier: 2 });
    await eventually(() => expect(busy.held).toBe(2));
    const ids = [running.id, waiting.id, far.id];

    expect(await client.workers.revoke({ ids, reason: 'a mistake' })).toMatchObject([
      { status: 'ok', answer: { revoked: [running.id, waiting.id] } },
    ]);
    for (const id of ids) {
      await expect(client.task(id).result({ timeout: '5s' })).rejects.toThrow('a mistake');
    }
  });

  it('tell listeners in their process of it', async () => {
    const made = await stem();
    const told: unknown[] = [];
    made.signals.on('controlCommandReceived', ({ command, args }) => told.push([command, args]));
    made.signals.on('controlCommandCompleted', ({ command, status }) =>
      told.push([command, status]),
    );
    await made.worker().start();
    await client.workers.ping();
    await client.workers.resume({ queues: 'wrong' });
    await eventually(() =>
      expect(told).toEqual([
        ['ping', {}],
        ['ping', 'ok'],
        ['resume', { queues: ['wrong'] }],
        ['resume', 'error'],
      ]),
    );
  });

  it.each([
    [{ worker: [] }, 'worker'],
    [{ worker: 'a\nb' }, 'worker'],
    [{ timeout: 'soon' }, 'timeout'],
    [{ queues: [] }, 'queues'],
    [{ ids: [7] }, 'ids'],
    [{ mode: 'gentle' }, 'mode'],
    [{ limit: 0 }, 'limit'],
  ])('are not told anything wrong: %j', async (options, option) => {
    const { workers } = client;
    const call =
      option === 'queues'
        ? workers.pause(options as never)
        : option === 'ids'
          ? workers.revoke(options as never)
          : option === 'mode'
            ? workers.shutdown(options as never)
            : workers.inspect(options as never);
    await expect(call).rejects.toMatchObject({ code: 'STEM_CONFIG_INVALID', option });
  });
});

describe('workers over Redis', () => {
  let namespace: string;
  let stem: TestStem;
  let raw: Redis;

  beforeEach(async () => {
    namespace = freshNamespace();
    stem = await redisStem(redis.url(), namespace);
    for (const name of ['echo', 'sleep']) stem.task(name, undefined);
    stems.push(stem);
    raw = new Redis(redis.url());
  });
  afterEach(() => raw.disconnect());

  it('answer from other processes, in all of them; one that is halted does not', async () => {
    const start = (): Promise<WorkerProcess> =>
      WorkerProcess.start({ redisUrl: redis.url(), namespace, visibilityTimeoutMs: 30_000 });
    const [halted] = await Promise.all([start(), start(), start()]);
    expect(await stem.client.workers.ping()).toHaveLength(3);

    const [first] = await stem.client.workers.stats();
    expect(first?.answer?.pid).not.toBe(process.pid);
    halted.signal('SIGSTOP');
    const replies = await stem.client.workers.ping({ timeout: 500 });
    expect(replies.filter(({ status }) => status === 'ok')).toHaveLength(2);
  });

  it('hear commands again when the connection was lost, and keep what is paused', async () => {
    const worker = stem.worker({ queues: ['default', 'other'] });
    await worker.start();
    await stem.client.workers.pause({ queues: 'default' });
    // A new lease as well: the old one is gone with everything else.
    await raw.flushall();
    await raw.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
    await raw.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');

    await eventually(async () => {
      const [reply] = await stem.client.workers.stats({ timeout: 300 });
      expect(reply?.answer?.paused).toEqual(['default']);
      expect(await raw.exists(`{${namespace}:0}:leases`)).toBe(1);
    });
    const paused = await stem.client.enqueue('echo', 1);
    stem.task('echo', (args) => args);
    const other = await stem.client.enqueue('echo', 2, { queue: 'other' });
    expect(await other.result({ timeout: '5s' })).toBe(2);
    expect((await paused.status())?.state).toBe('queued');
  });

  it('drop messages that are no commands, or huge, and say so once', async () => {
    await stem.worker().start();
    const channel = `${namespace}:control`;
    const command = { requestId: 'r', command: 'ping', args: {} };
    for (const text of [
      '',
      '{',
      'null',
      '[]',
      JSON.stringify({ ...command, requestId: 'a:b' }),
      JSON.stringify({ ...command, workers: [7] }),
      JSON.stringify({ ...command, args: { text: 'x'.repeat(1 << 20) } }),
    ]) {
      await raw.publish(channel, text);
    }
    expect(await stem.client.workers.ping()).toHaveLength(1);
    expect(stem.log.lines.filter((line) => line.includes('not a command'))).toHaveLength(1);
  });

  it('refuse commands that they do not know, or cannot read', async () => {
    await stem.worker({ name: 'w' }).start();
    const answers: unknown[] = [];
    const ask = (command: string, args: object): Promise<unknown> =>
      stem.broker.control!.request(
        { requestId: command, command, args: args as Record<string, never> },
        ({ status, error }) => answers.push([command, status, error]),
      );
    await ask('constructor', {});
    await ask('shutdown', { mode: 'explode' });
    await ask('revoke', { ids: 'all' });
    await eventually(() => expect(answers).toHaveLength(3));
    expect(answers).toEqual([
      ['constructor', 'error', expect.stringContaining("does not know the command 'constructor'")],
      ['shutdown', 'error', 'mode must be one of warm, soft, hard'],
      ['revoke', 'error', 'ids must be a list of 1 to 1000 texts'],
    ]);
    expect((await stem.client.workers.ping())[0]).toMatchObject({ answer: { state: 'ready' } });
  });
});

describe('a broker without a control bus', () => {
  it('is named by every command', async () => {
    const broker = new MemoryBroker();
    const mute = new Proxy(broker, {
      get: (target, key) => {
        if (key === 'control') return undefined;
        const value = Reflect.get(target, key, target) as unknown;
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
    const stem = new TestStem(mute);
    stems.push(stem);
    await stem.worker().start();
    await expect(stem.client.workers.ping()).rejects.toMatchObject({
      code: 'STEM_CONFIG_INVALID',
      option: 'broker',
    });
  });
});
