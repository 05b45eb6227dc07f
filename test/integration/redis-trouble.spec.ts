import { connect, createServer, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import { inspect } from 'node:util';
import { Redis } from 'ioredis';
import type { Delivery } from '../../libs/stem/src/broker/broker.js';
import { RedisBroker } from '../../libs/stem/src/broker/redis/redis-broker.js';
import {
  BrokerTimeoutError,
  BrokerUnavailableError,
  StemConfigError,
  TaskFailedError,
} from '../../libs/stem/src/core/errors.js';
import { eventually } from '../contract/broker-harness.js';
import { type RedisServer, startRedisServer } from '../support/redis-server.js';
import {
  freshNamespace,
  gate,
  redisStem,
  RememberingLogger,
  type TestStem,
} from '../support/stem.js';

let redis: RedisServer;
let raw: Redis;
beforeAll(async () => {
  redis = await startRedisServer({ args: ['--appendonly', 'yes', '--appendfsync', 'always'] });
  raw = new Redis(redis.url(), { retryStrategy: () => 50, maxRetriesPerRequest: null });
  raw.on('error', () => undefined);
});
afterAll(async () => {
  raw.disconnect();
  await redis.stop();
});

describe('a broker that cannot be reached at boot', () => {
  it('fails within its time limit, and says what to check', async () => {
    const broker = new RedisBroker({
      connection: { url: 'redis://:secret@localhost:1/0' },
      namespace: freshNamespace(),
      connectTimeoutMs: 300,
    });
    const from = performance.now();
    const error = await broker.connect().catch((thrown: unknown) => thrown);

    expect(error).toBeInstanceOf(BrokerUnavailableError);
    expect((error as Error).message).toMatch(/localhost:1.*ECONNREFUSED.*Check that it runs/s);
    expect((error as Error).message).not.toMatch(/secret/);
    expect(performance.now() - from).toBeLessThan(2_000);
  });

  it('waits for it with a log line, when told to', async () => {
    const log = new RememberingLogger();
    const other = await startRedisServer();
    await other.kill();
    const broker = new RedisBroker({
      connection: { url: other.url() },
      namespace: freshNamespace(),
      connectTimeoutMs: 100,
      onConnectFailure: 'wait',
      log,
    });
    const connected = broker.connect();
    await eventually(() => expect(log.lines.join()).toMatch(/warn .*Waiting for it/));
    await other.restart();

    await connected;
    expect(await broker.listQueues()).toEqual([]);
    await broker.close();
    await other.stop();
  });

  it('does not wait for a password to become right', async () => {
    const guarded = await startRedisServer({ args: ['--requirepass', 'right'] });
    const broker = new RedisBroker({
      connection: { url: guarded.url().replace('redis://', 'redis://:hunter2@') },
      namespace: freshNamespace(),
      connectTimeoutMs: 5_000,
      onConnectFailure: 'wait',
    });
    const error = await broker.connect().catch((thrown: unknown) => thrown);

    expect(error).toBeInstanceOf(BrokerUnavailableError);
    expect((error as Error).message).toMatch(/WRONGPASS/);
    // As a logger prints it, with its cause.
    expect(inspect(error, { depth: 10 })).not.toMatch(/hunter2/);
    await guarded.stop();
  });

  it('refuses a cluster node, and says so', async () => {
    const node = await startRedisServer({ args: ['--cluster-enabled', 'yes'] });
    const broker = new RedisBroker({
      connection: { url: node.url() },
      namespace: freshNamespace(),
    });
    await expect(broker.connect()).rejects.toThrow(StemConfigError);
    await broker.close();
    await node.stop();
  });
});

describe('a connection that is lost', () => {
  let stem: TestStem;
  afterEach(() => stem.close());

  it('makes calls fail with a typed error within their limit while Redis is down, and heals by itself', async () => {
    stem = await redisStem(redis.url());
    stem.task('echo', (args) => args);
    await stem.worker().start();
    const before = await stem.client.enqueue('echo', { n: 1 });
    await before.result({ timeout: '5s' });

    await redis.kill();
    const from = performance.now();
    const error = await stem.client.enqueue('echo', { n: 2 }).catch((thrown: unknown) => thrown);
    expect(performance.now() - from).toBeLessThan(4_000);
    expect([BrokerUnavailableError, BrokerTimeoutError]).toContain((error as Error).constructor);
    await redis.restart();

    const after = await stem.client.enqueue('echo', { n: 3 });
    expect(await after.result({ timeout: '15s' })).toEqual({ n: 3 });
  });

  it('does not lose a task whose worker met a restart of Redis in the middle of it', async () => {
    stem = await redisStem(redis.url());
    const started = gate();
    const go = gate();
    let runs = 0;
    stem.task('long', async () => {
      runs++;
      started.open();
      await go.promise;
      return 'kept';
    });
    await stem.worker().start();
    const task = await stem.client.enqueue('long');
    const result = task.result({ timeout: '20s' });
    await started.promise;

    await redis.kill();
    go.open();
    await new Promise((resolve) => setTimeout(resolve, 300));
    await redis.restart();

    expect(await result).toBe('kept');
    expect(runs).toBe(1);
  });

  it('answers what needs no writing while Redis may not write for want of replicas', async () => {
    stem = await redisStem(redis.url());
    stem.task('echo', (args) => args);
    const worker = stem.worker();
    await worker.start();
    const task = await stem.client.enqueue('echo', { n: 1 });
    await task.result({ timeout: '5s' });
    await worker.stop();

    await raw.config('SET', 'min-replicas-to-write', '1');
    try {
      expect(await stem.client.task(task.id).result({ timeout: '1s' })).toEqual({ n: 1 });
      expect(await stem.client.cancel(task.id)).toBe('ended');
    } finally {
      await raw.config('SET', 'min-replicas-to-write', '0');
    }
  });

  it('survives its connections being killed on the server', async () => {
    stem = await redisStem(redis.url());
    stem.task('echo', (args) => args);
    await stem.worker().start();
    for (let round = 0; round < 5; round++) {
      const tasks = await stem.client.enqueueMany(
        Array.from({ length: 50 }, (_, n) => ({ task: 'echo', args: { n } })),
      );
      await raw.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
      await raw.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
      const results = await Promise.all(tasks.map((task) => task.result({ timeout: '15s' })));
      expect(results).toEqual(tasks.map((_, n) => ({ n })));
    }
  });

  it('notices a connection that swallows everything, and makes a new one', async () => {
    const proxy = await Proxy.start(redis.port);
    stem = await redisStem(`redis://127.0.0.1:${proxy.port}`);
    stem.task('echo', (args) => args);
    await stem.worker().start();
    await (await stem.client.enqueue('echo', { n: 1 })).result({ timeout: '5s' });

    proxy.swallow();
    const error = await stem.client.enqueue('echo', { n: 2 }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(BrokerTimeoutError);

    // The proxy swallows the connections that it has; new ones pass.
    const task = await stem.client.enqueue('echo', { n: 3 });
    expect(await task.result({ timeout: '15s' })).toEqual({ n: 3 });
    await proxy.close();
  });

  it('hears an answer that came while a handler blocked the process for longer than the time limit', async () => {
    stem = await redisStem(redis.url());
    stem.task('echo', (args) => args);
    await stem.client.enqueue('echo');

    const enqueued = stem.client.enqueue('echo', { n: 1 });
    await new Promise((resolve) => process.nextTick(resolve));
    const until = performance.now() + 3_000; // the limit is 2 s
    while (performance.now() < until);

    expect(await enqueued).toMatchObject({ created: true });
    expect(stem.log.lines.join()).not.toMatch(/Lost the connection/);
  });

  it('accepts a task once when the answer was lost, and says that it was created', async () => {
    const proxy = await Proxy.start(redis.port);
    stem = await redisStem(`redis://127.0.0.1:${proxy.port}`);
    stem.task('echo', (args) => args);
    await stem.client.enqueue('echo');

    proxy.breakAfterAnswer();
    const task = await stem.client.enqueue('echo', { n: 1 });

    expect(task.created).toBe(true);
    expect(await stem.client.queues.stats('default')).toMatchObject({ queued: 2 });
    await proxy.close();
  });

  it('gives back tasks that a claim was answered with into a dead connection', async () => {
    const proxy = await Proxy.start(redis.port);
    stem = await redisStem(`redis://127.0.0.1:${proxy.port}`);
    stem.task('echo', (args) => args);
    const consumer = await stem.broker.openConsumer({
      worker: 'w',
      queues: ['default'],
      leaseMs: 60_000,
    });
    const task = await stem.client.enqueue('echo');

    proxy.swallowAnswers();
    await expect(consumer.claim(1)).rejects.toThrow(BrokerTimeoutError);
    const again = await consumer.claim(1);

    expect(again).toMatchObject({ outcome: 'claimed' });
    expect(again.outcome === 'claimed' && again.deliveries[0]).toMatchObject({
      envelope: { id: task.id },
      deliveries: 1,
    });
    await consumer.close();
    await proxy.close();
  });
});

describe('a task whose release had no answer', () => {
  it.each(['swallow', 'swallowAnswers'] as const)('is handed out again (%s)', async (trouble) => {
    const proxy = await Proxy.start(redis.port);
    const stem = await redisStem(`redis://127.0.0.1:${proxy.port}`);
    stem.task('echo', (args) => args);
    const consumer = await stem.broker.openConsumer({
      worker: 'w',
      queues: ['default'],
      leaseMs: 60_000,
    });
    const task = await stem.client.enqueue('echo');
    const claimed = await consumer.claim(1);
    const [delivery] = claimed.outcome === 'claimed' ? claimed.deliveries : [];

    proxy[trouble]();
    await expect(consumer.release(delivery as Delivery)).rejects.toThrow(BrokerTimeoutError);
    const again = await consumer.claim(1);

    expect(again).toMatchObject({
      outcome: 'claimed',
      deliveries: [{ envelope: { id: task.id }, deliveries: 1 }],
    });
    await consumer.close();
    await stem.close();
    await proxy.close();
  });
});

describe('hostile records', () => {
  let stem: TestStem;
  let namespace: string;
  let prefix: string;
  beforeEach(async () => {
    namespace = freshNamespace();
    prefix = `{${namespace}:0}:`;
    stem = await redisStem(redis.url(), namespace);
    stem.task('echo', (args) => args);
    await (await stem.client.enqueue('echo')).status();
  });
  afterEach(() => stem.close());

  const survives = async (): Promise<void> => {
    const task = await stem.client.enqueue('echo', { still: 'here' });
    expect(await task.result({ timeout: '5s' })).toEqual({ still: 'here' });
  };

  it.each([
    ['is not JSON', ['m', 'garbage']],
    ['is truncated', ['m', '["0.abcdefghijklmnopqr","echo",{"a":']],
    ['is no array', ['m', '{"id":1}']],
    ['has a name of a wrong type', ['m', '["x",5,{}]']],
    ['has headers that are no texts', ['m', '["x","echo",{},{"h":{"a":1}}]']],
    ['spans lines', ['m', '[\n"x","echo",{}]']],
    ['is empty', ['m', '']],
    ['names another partition', ['m', '["7.abcdefghijklmnopqr","echo",{}]']],
    ['has foreign fields', ['other', 'value', 'more', 'fields']],
  ])('dead-letters an entry that %s, with a reason', async (_what, fields) => {
    await raw.xadd(`${prefix}q:0:default`, '*', ...fields);
    await stem.worker().start();

    await survives();
    await eventually(async () => {
      const dead = await stem.client.deadLetters.list({ queue: 'default', limit: 10 });
      expect(dead).toHaveLength(1);
      expect(dead[0]).toMatchObject({ state: 'failed' });
      const record = await stem.broker.find((dead[0] as { id: string }).id);
      expect(record).toMatchObject({ reason: 'corrupt-record' });
    });
    expect(stem.log.lines.join('\n')).toMatch(/cannot be run \(corrupt-record/);
  });

  it('dead-letters an entry that is too large, without fetching it', async () => {
    await raw.xadd(`${prefix}q:0:default`, '*', 'm', `["big","echo","${'x'.repeat(6_000_000)}"]`);
    await stem.worker().start();

    await survives();
    await eventually(async () => {
      expect(await stem.broker.find('big')).toMatchObject({
        state: 'failed',
        reason: 'oversized-record',
      });
    });
  });

  it('makes a queue known again whose hash somebody deleted', async () => {
    await stem.client.enqueue('echo');
    await raw.del(`${prefix}m:default`);
    await stem.worker().start();

    await survives();
  });

  it('makes a queue known again with the tasks that were given back', async () => {
    await stem.client.enqueue('echo');
    const consumer = await stem.broker.openConsumer({
      worker: 'leaver',
      queues: ['default'],
      leaseMs: 60_000,
    });
    const claimed = await consumer.claim(1);
    await stem.worker({ visibilityTimeoutMs: 300 }).start();
    await raw.del(`${prefix}m:default`);
    await consumer.close();

    const { deliveries = [] } = claimed as { deliveries?: readonly Delivery[] };
    const task = stem.client.task(deliveries[0]?.envelope.id ?? '');
    expect(await task.result({ timeout: '10s' })).toBeDefined();
    await survives();
  });

  it('serves a queue under a worker that runs, though its hash was deleted before each task', async () => {
    await stem.worker({ visibilityTimeoutMs: 300 }).start();
    for (let n = 1; n <= 3; n++) {
      await raw.del(`${prefix}m:default`);
      const task = await stem.client.enqueue('echo', { n });
      expect(await task.result({ timeout: '10s' })).toEqual({ n });
    }
  });

  it('gives back the tasks of a lost worker whose queue is not known any more', async () => {
    const task = await stem.client.enqueue('echo', { n: 1 });
    const lost = await stem.broker.openConsumer({
      worker: 'lost',
      queues: ['default'],
      leaseMs: 50,
    });
    await lost.claim(1);
    await raw.del(`${prefix}m:default`);
    await eventually(async () => {
      expect((await stem.broker.reclaim({ maxLosses: 3 })).requeued).toBe(1);
    });
    await stem.worker().start();

    expect(await task.result({ timeout: '10s' })).toEqual({ n: 1 });
  });

  it('goes on when a record key is of a foreign type', async () => {
    const task = await stem.client.enqueue('echo', { n: 1 });
    await raw.del(`${prefix}t:${task.id}`);
    await raw.lpush(`${prefix}t:${task.id}`, 'hostile');
    await stem.worker().start();

    await survives();
  });

  it('goes on with other queues when a stream is of a foreign type, and says so', async () => {
    await raw.set(`${prefix}q:0:broken`, 'hostile');
    await raw.hset(`${prefix}m:broken`, 'p0', '1');
    await stem.worker({ queues: ['broken', 'default'] }).start();

    await survives();
    await survives();
    expect(stem.log.lines.join('\n')).toMatch(/error .*WRONGTYPE/);
    await expect(stem.client.enqueue('echo', {}, { queue: 'broken' })).rejects.toThrow(/WRONGTYPE/);
  });

  it('promotes what can be read when a delayed record is damaged', async () => {
    const bad = await stem.client.enqueue('echo', { n: 1 }, { delay: 50 });
    const good = await stem.client.enqueue('echo', { n: 2 }, { delay: 50 });
    await raw.set(`${prefix}t:${bad.id}`, 'nonsense');
    await stem.worker().start();

    expect(await good.result({ timeout: '5s' })).toEqual({ n: 2 });
    await survives();
  });

  it('does not pollute prototypes', async () => {
    const args = JSON.parse('{"__proto__":{"polluted":true},"constructor":{"x":1}}') as object;
    await stem.worker().start();
    const task = await stem.client.enqueue('echo', args);

    const result = await task.result({ timeout: '5s' });

    expect(JSON.stringify(result)).toBe(JSON.stringify(args));
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  it('survives a flush of everything', async () => {
    await stem.worker().start();
    await survives();
    await raw.flushall();

    await eventually(() => survives());
  });
});

describe('a separate result backend', () => {
  it('keeps the result there, and only a reference in the record', async () => {
    const { RedisResultBackend } =
      await import('../../libs/stem/src/broker/redis/redis-result-backend.js');
    const { TestStem: Stem } = await import('../support/stem.js');
    const namespace = freshNamespace();
    const broker = new RedisBroker({ connection: { url: redis.url(0) }, namespace });
    const backend = new RedisResultBackend({ connection: { url: redis.url(1) }, namespace });
    await Promise.all([broker.connect(), backend.connect()]);
    const stem = new Stem(broker, backend).task('make', () => ({ made: 'here' }));
    stem.task('break', () => Promise.reject(new Error('broken')), { maxRetries: 0 });
    await stem.worker().start();
    const task = await stem.client.enqueue('make');

    expect(await task.result({ timeout: '5s' })).toEqual({ made: 'here' });
    expect(await task.status()).toMatchObject({ result: { made: 'here' } });
    const inResults = new Redis(redis.url(1));
    const keys = await inResults.keys(`${namespace}:result:*`);
    expect(keys).toHaveLength(1);
    expect(await inResults.get(keys[0] as string)).toBe('{"made":"here"}');
    expect(await inResults.pttl(keys[0] as string)).toBeGreaterThan(50_000);
    expect(await raw.get(`{${namespace}:0}:t:${task.id}`)).not.toMatch(/made/);

    const failing = await stem.client.enqueue('break');
    await expect(failing.result({ timeout: '5s' })).rejects.toThrow(TaskFailedError);
    inResults.disconnect();
    await stem.close();
  });
});

/** Stands between client and Redis, and can lose what passes. */
class Proxy {
  readonly #server: Server;
  #pairs: { client: Socket; upstream: Socket }[] = [];

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(target: number): Promise<Proxy> {
    const server = createServer();
    const proxy = new Proxy(server);
    server.on('connection', (client) => {
      const upstream = connect(target, '127.0.0.1');
      client.on('data', (data) => void upstream.write(data));
      upstream.on('data', (data) => void client.write(data));
      for (const [from, to] of [
        [client, upstream],
        [upstream, client],
      ] as const) {
        from.on('error', () => undefined);
        from.on('close', () => to.destroy());
      }
      proxy.#pairs.push({ client, upstream });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port;
  }

  /** Present connections lose everything in both directions, and nobody is told. */
  swallow(): void {
    for (const { client, upstream } of this.#pairs) {
      client.removeAllListeners('data').resume();
      upstream.removeAllListeners('data').resume();
    }
  }

  /** Present connections still carry what is asked, and lose what is answered. */
  swallowAnswers(): void {
    for (const { upstream } of this.#pairs) upstream.removeAllListeners('data').resume();
  }

  /** Present connections break when something is answered, and the answer is lost. */
  breakAfterAnswer(): void {
    for (const { client, upstream } of this.#pairs) {
      upstream.removeAllListeners('data').once('data', () => client.destroy());
    }
  }

  async close(): Promise<void> {
    for (const { client, upstream } of this.#pairs) {
      client.destroy();
      upstream.destroy();
    }
    this.#server.close();
    await once(this.#server, 'close');
  }
}
