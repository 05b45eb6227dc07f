import { Redis } from 'ioredis';
import type { NewTask } from '../../libs/stem/src/broker/broker.js';
import { RedisConnection } from '../../libs/stem/src/broker/redis/connection.js';
import { PartitionKeys } from '../../libs/stem/src/broker/redis/keys.js';
import { commitBatch, movePiece } from '../../libs/stem/src/broker/redis/scripts/batch.script.js';
import {
  ScriptCaller,
  type ScriptName,
} from '../../libs/stem/src/broker/redis/scripts/script-caller.js';
import { StagedBatches } from '../../libs/stem/src/broker/redis/staged-batches.js';
import {
  BrokerCommandError,
  BrokerTimeoutError,
  BrokerUnavailableError,
} from '../../libs/stem/src/core/errors.js';
import type { FaultPoint } from '../../libs/stem/src/core/fault-points.js';
import { claim, eventually, idsOf } from '../contract/broker-harness.js';
import type { BatchProgramOptions } from '../support/batch-program.js';
import { newTask, TEST_QUEUE } from '../support/new-task.js';
import { type RedisServer, startRedisServer } from '../support/redis-server.js';
import { freshNamespace, redisStem, type TestStem } from '../support/stem.js';
import { WorkerProcess } from '../support/worker-process.js';

let redis: RedisServer;
let raw: Redis;
let namespace: string;
let stem: TestStem;
let connection: RedisConnection;
let key: (name: string) => string;

beforeAll(async () => {
  redis = await startRedisServer();
  raw = new Redis(redis.url());
});
afterAll(async () => {
  raw.disconnect();
  await redis.stop();
});
beforeEach(async () => {
  namespace = freshNamespace();
  key = (name) => `{${namespace}:0}:${name}`;
  stem = await redisStem(redis.url(), namespace);
  connection = new RedisConnection({ source: { url: redis.url() } });
  await connection.connect();
});
afterEach(async () => {
  jest.restoreAllMocks();
  connection.close();
  await raw.config('SET', 'maxmemory', '0');
  await WorkerProcess.killAll();
  await stem.close();
});

const TASKS = 60;
const TEXT = 'x'.repeat(20_000);
/** Six tasks of a text of 20 KB go in a piece. */
const PIECES = TASKS / 6;

const batch = (): NewTask[] =>
  Array.from({ length: TASKS }, (_, n) => newTask(stem.broker, { args: { n, text: TEXT } }));

/** Lets the time pass after which others go on with a batch. */
async function expireBatches(): Promise<void> {
  for (const id of await raw.zrange(key('batches'), 0, '-1')) await raw.zadd(key('batches'), 1, id);
}

/** Looks for lost workers, and so often that abandoned batches are looked for as well. */
async function reclaim(): Promise<void> {
  for (let i = 0; i < 3; i++) {
    expect(await stem.broker.reclaim({ maxLosses: 3 })).toMatchObject({ consumers: [] });
  }
}

/** Has somebody else go on with every batch there is. */
async function takeOver(): Promise<void> {
  await expireBatches();
  await reclaim();
}

/** Names of what is kept of batches. */
const batchKeys = (): Promise<string[]> => raw.keys(key('b:*').replaceAll(/[{}]/g, '\\$&'));

const numbersQueued = async (): Promise<number[]> => {
  const consumer = await stem.broker.openConsumer({
    worker: 'reader',
    queues: ['default', TEST_QUEUE],
    leaseMs: 60_000,
  });
  const deliveries = await claim(consumer, TASKS + 1);
  await consumer.close();
  return deliveries.map(({ envelope }) => (envelope.args as { n: number }).n);
};
const numbers = (from: number, to: number): number[] =>
  Array.from({ length: to - from }, (_, i) => from + i);

describe('a client that is killed while it enqueues a large batch', () => {
  const killAt = async (dieAt: FaultPoint, dieAtPass = 1): Promise<void> => {
    const options: BatchProgramOptions = {
      redisUrl: redis.url(),
      namespace,
      program: 'batch-program.ts',
      tasks: TASKS,
      textLength: TEXT.length,
      dieAt,
      dieAtPass,
    };
    const client = await WorkerProcess.start(options);
    await client.prints(/^dies at/m);
    await client.end('SIGKILL');
  };

  it('leaves nothing but keys that expire when it dies before all of it is accepted', async () => {
    await killAt('script:commit-batch:before');

    const keys = await batchKeys();
    expect(keys).toHaveLength(PIECES);
    const ttls = await Promise.all(keys.map((name) => raw.pttl(name)));
    expect(ttls.filter((ttl) => ttl <= 0 || ttl > 60_000)).toEqual([]);
    await takeOver();
    expect(await stem.client.queues.list()).toEqual([]);
  });

  it.each<[string, FaultPoint, number, number]>([
    ['right after all of it is accepted', 'script:commit-batch:after', 1, 0],
    ['before its first piece is moved', 'script:move-piece:before', 1, 0],
    ['between two pieces', 'script:move-piece:after', 4, 4],
    ['when all pieces are moved', 'script:move-piece:after', PIECES, PIECES],
  ])('has all of it run, once and in order, when it dies %s', async (_, point, pass, moved) => {
    await killAt(point, pass);
    expect(await numbersQueued()).toEqual(numbers(0, moved * 6));

    const seen: number[] = [];
    stem.task('echo', (args) => void seen.push((args as { n: number }).n));
    await expireBatches();
    await stem.worker({ concurrency: 1, prefetchMultiplier: 1 }).start();

    await eventually(() => expect(seen).toHaveLength(TASKS));
    expect(seen).toEqual(numbers(0, TASKS));
    expect(await raw.exists(key('batches'))).toBe(0);
    for (const name of await batchKeys()) expect(await raw.pttl(name)).toBeGreaterThan(0);
  });

  it('leaves pieces that wait for as long as it takes when it dies after all of it is accepted', async () => {
    await killAt('script:commit-batch:after');

    const pieces = (await batchKeys()).filter((name) => /:\d+$/.test(name));
    const ttls = await Promise.all(pieces.map((name) => raw.pttl(name)));
    expect(ttls).toEqual(Array.from({ length: PIECES }, () => -1));
  });

  it('is not overtaken before its time', async () => {
    await killAt('script:move-piece:after', 1);
    await reclaim();

    expect(await stem.client.queues.stats('default')).toMatchObject({ queued: 6 });
    const [, due] = await raw.zrange(key('batches'), 0, '-1', 'WITHSCORES');
    expect(Number(due) - stem.broker.now()).toBeLessThanOrEqual(5_000);
  });
});

describe('a batch that workers finish', () => {
  let scripts: ScriptCaller;
  beforeEach(() => {
    scripts = new ScriptCaller(connection, key(''));
  });

  const PLACES = [[TEST_QUEUE, 0]] as const;
  const encode = (...texts: string[]): string =>
    `${texts.map((text) => Buffer.byteLength(text)).join(' ')}\n${texts.join('')}`;
  const pieceOf = (task: NewTask): string =>
    encode('1', task.queue, 'plain', '0', '1', task.id, task.envelope);
  /** Accepts a batch with one task in each of three pieces, and lets it lie. */
  async function leave(id: string): Promise<NewTask[]> {
    const tasks = [1, 2, 3].map((n) => newTask(stem.broker, { args: { n } }));
    for (const [i, task] of tasks.entries()) await raw.set(key(`b:${id}:${i + 1}`), pieceOf(task));
    expect(await commitBatch(scripts, { id, pieces: 3 }, PLACES)).toBe(true);
    return tasks;
  }
  const queued = async (): Promise<number> => (await stem.broker.queueStats(TEST_QUEUE)).queued;

  it('is accepted only when all of its pieces are there', async () => {
    await raw.set(key('b:short:1'), pieceOf(newTask(stem.broker)), 'PX', 60_000);

    expect(await commitBatch(scripts, { id: 'short', pieces: 2 }, PLACES)).toBe(false);

    expect(await raw.pttl(key('b:short:1'))).toBeGreaterThan(0);
    expect(await raw.exists(key('batches'), key('b:short'))).toBe(0);
  });

  it('is accepted once, however often that is asked for', async () => {
    await leave('twice');
    await takeOver();

    expect(await commitBatch(scripts, { id: 'twice', pieces: 3 }, PLACES)).toBe(true);

    expect(await raw.exists(key('batches'))).toBe(0);
    expect(await raw.pttl(key('b:twice:1'))).toBeGreaterThan(0);
  });

  it('answers a repeated move alike, and does not move twice', async () => {
    const [taken] = await leave('repeated');
    await stem.broker.enqueue([taken as NewTask]);

    const outcome = { kind: 'moved', refused: [0, taken?.id] };
    expect(await movePiece(scripts, 'repeated', 1)).toEqual(outcome);
    expect(await movePiece(scripts, 'repeated', 1)).toEqual(outcome);

    expect(await queued()).toBe(1);
  });

  it('moves no piece before those before it', async () => {
    await leave('ordered');

    expect(await movePiece(scripts, 'ordered', 2)).toEqual({ kind: 'unknown' });

    expect(await queued()).toBe(0);
  });

  it('does not claim to know what became of a piece that is forgotten', async () => {
    await leave('forgotten');
    await movePiece(scripts, 'forgotten', 1);
    await raw.del(key('b:forgotten:1'));

    expect(await movePiece(scripts, 'forgotten', 1)).toEqual({ kind: 'unknown' });
    expect(await movePiece(scripts, 'never-was', 1)).toEqual({ kind: 'unknown' });
  });

  it.each<[string, (name: string) => Promise<unknown>, RegExp]>([
    ['is gone', (name) => raw.del(name), /its text is gone/],
    ['is of another type', async (name) => raw.multi().del(name).lpush(name, 'x').exec(), /gone/],
    ['is empty', (name) => raw.set(name, ''), /damaged/],
    [
      'is cut short',
      async (name) => raw.set(name, (await raw.get(name))?.slice(0, -1) ?? ''),
      /damaged/,
    ],
    ['is something else', (name) => raw.set(name, '{"some":"json"}'), /damaged/],
    [
      'names a queue that it does not have',
      (name) => raw.set(name, encode('1', 'q', 'plain', '990', '1', 'id', '[]')),
      /makes no sense/,
    ],
    [
      'counts no tasks',
      (name) => raw.set(name, encode('1', 'q', 'plain', '0', '0')),
      /makes no sense/,
    ],
    [
      'counts backwards',
      (name) => raw.set(name, encode('1', 'q', 'plain', '0', '-1', 'id', '[]')),
      /makes no sense/,
    ],
    [
      'promises more than it has',
      (name) => raw.set(name, encode('1', 'q', 'plain', '0', '2', 'id', '[]')),
      /makes no sense/,
    ],
    [
      'counts without end',
      (name) => raw.set(name, encode('1', 'q', 'plain', '0', 'inf', 'id', '[]')),
      /makes no sense/,
    ],
    [
      'is of tasks of an unknown kind',
      (name) => raw.set(name, encode('1', 'q', 'odd', '0', '1', 'id', '[]')),
      /makes no sense/,
    ],
    [
      'does not say how long its ids are',
      (name) => raw.set(name, encode('1', 'q', 'new', '0', '1', '["id"]')),
      /makes no sense/,
    ],
    [
      'has times that are none',
      (name) =>
        raw.set(
          name,
          encode('1', 'q', 'special', '0', '1', 'id', '[]', '', '', '', '', 'claim', 'x', '', ''),
        ),
      /makes no sense/,
    ],
  ])('loses a piece that %s, says so, and goes on', async (_, damage, why) => {
    const [first, , third] = await leave('damaged');
    const other = await leave('other');
    await damage(key('b:damaged:2'));

    await takeOver();

    expect(stem.log.lines.join('\n')).toMatch(why);
    expect(stem.log.lines.join('\n')).toMatch(/error .*batch damaged .* are lost: of piece 2 of 3/);
    const consumer = await stem.broker.openConsumer({
      worker: 'reader',
      queues: [TEST_QUEUE],
      leaseMs: 60_000,
    });
    const ids = idsOf(await claim(consumer, 10));
    expect(new Set(ids)).toEqual(new Set([first, third, ...other].map((task) => task?.id)));
    await consumer.close();
    expect(await raw.exists(key('batches'))).toBe(0);
  });

  it('is given up with an error in the log when nothing else is known of it', async () => {
    await raw.zadd(key('batches'), 1, 'phantom', 1, 'odd');
    await raw.set(key('b:odd'), 'not a hash');
    await leave('other');

    await takeOver();

    expect(stem.log.lines.join('\n')).toMatch(/error What was left of the accepted batch phantom/);
    expect(await queued()).toBe(3);
    expect(await raw.exists(key('batches'))).toBe(0);
  });

  it('waits while Redis refuses its tasks, and does not hold up others', async () => {
    await raw.set(key('q:0:blocked'), 'not a stream');
    const blocked = newTask(stem.broker, { queue: 'blocked' });
    await raw.set(key('b:waiting:1'), pieceOf(blocked));
    await commitBatch(scripts, { id: 'waiting', pieces: 1 }, PLACES);
    await leave('other');

    await takeOver();
    expect(await queued()).toBe(3);
    expect(stem.log.lines.join('\n')).toMatch(
      /error Tasks of the accepted batch waiting wait.*WRONGTYPE/,
    );

    await raw.del(key('q:0:blocked'), key('m:blocked'));
    await takeOver();
    expect(await stem.broker.find(blocked.id)).toMatchObject({ state: 'queued' });
  });

  it('is given to one who asks, and to the next only later', async () => {
    await leave('one');
    await raw.zadd(key('batches'), 1, 'one');
    const ask = (leftToMs: number | '') => scripts.call<unknown[]>('reclaim', [3, '{}', leftToMs]);

    expect(await ask('')).toEqual([]);
    expect(await ask(5_000)).toEqual(['', 'one', '1', '3']);
    expect(await ask(5_000)).toEqual([]);
  });
});

describe('a client that enqueues a large batch', () => {
  /** Does something else just before a script is called for the first time. */
  class InterruptedCaller extends ScriptCaller {
    #act: (() => Promise<unknown>) | undefined;
    readonly #before: ScriptName;

    constructor(before: ScriptName, act: () => Promise<unknown>) {
      super(connection, key(''));
      this.#before = before;
      this.#act = act;
    }

    override async call<Reply>(...call: Parameters<ScriptCaller['call']>): Promise<Reply> {
      if (call[0] === this.#before) {
        const act = this.#act;
        this.#act = undefined;
        await act?.();
      }
      return super.call<Reply>(...call);
    }
  }

  const enqueueInterrupted = (
    tasks: readonly NewTask[],
    before: ScriptName,
    act: () => Promise<unknown>,
  ) => {
    const scripts = new InterruptedCaller(before, act);
    return new StagedBatches(connection, new PartitionKeys(namespace, 0), scripts).enqueue(tasks);
  };
  const pieceKey = async (piece: number): Promise<string> =>
    (await batchKeys()).find((name) => name.endsWith(`:${piece}`)) ?? '';

  it('is told that nothing was accepted when a key of a foreign type is in the way', async () => {
    await raw.set(key(`q:0:${TEST_QUEUE}`), 'not a stream');

    await expect(stem.broker.enqueue(batch())).rejects.toThrow(
      /refused to commit batch: WRONGTYPE/,
    );

    expect(await raw.exists(key('batches'))).toBe(0);
  });

  it('is told that nothing was accepted when a piece is gone too early', async () => {
    const deletePiece = async () => raw.del(await pieceKey(2));
    const outcomes = enqueueInterrupted(batch(), 'commit-batch', deletePiece);

    await expect(outcomes).rejects.toThrow(/A batch of 60 tasks was not accepted/);
    await expect(outcomes).rejects.toBeInstanceOf(BrokerCommandError);
    expect(await stem.client.queues.list()).toEqual([]);
  });

  it('is not told so when it took so long that all may be done and forgotten', async () => {
    const realNow = performance.now.bind(performance);
    const deletePieceAndWait = async () => {
      await raw.del(await pieceKey(2));
      jest.spyOn(performance, 'now').mockImplementation(() => realNow() + 60_000);
    };
    const outcomes = enqueueInterrupted(batch(), 'commit-batch', deletePieceAndWait);

    await expect(outcomes).rejects.toThrow(/whether it was accepted is unknown/);
    await expect(outcomes).rejects.toBeInstanceOf(BrokerTimeoutError);
  });

  it('is told which tasks are lost when a piece is gone too late, and has the others enqueued', async () => {
    const deletePiece = async () => raw.del(await pieceKey(2));
    const outcomes = enqueueInterrupted(batch(), 'move-piece', deletePiece);

    await expect(outcomes).rejects.toThrow(/lost tasks of a batch of 60.*: 7 to 12 \(its text is/);
    expect(await numbersQueued()).toEqual([...numbers(0, 6), ...numbers(12, TASKS)]);
  });

  it('is told the same when others were faster to move its tasks', async () => {
    const tasks = batch();

    const outcomes = await enqueueInterrupted(tasks, 'move-piece', takeOver);

    expect(outcomes).toEqual(tasks.map(({ id }) => ({ id, created: true })));
    expect(await numbersQueued()).toEqual(numbers(0, TASKS));
  });

  it('learns that it was accepted when a move is refused, and it is enqueued later', async () => {
    const stream = key(`q:0:${TEST_QUEUE}`);
    const stand = async () => {
      await raw.del(stream);
      await raw.set(stream, 'not a stream');
    };
    const outcomes = enqueueInterrupted(batch(), 'move-piece', stand);

    await expect(outcomes).rejects.toThrow(/WRONGTYPE.* The batch was accepted before/);
    await expect(outcomes).rejects.toBeInstanceOf(BrokerCommandError);
    expect(await stem.client.queues.stats(TEST_QUEUE)).toMatchObject({ queued: 0 });

    await raw.del(stream);
    await takeOver();
    expect(await numbersQueued()).toEqual(numbers(0, TASKS));
  });

  it('may die while Redis is full once it was accepted: workers go on', async () => {
    const lose = async () => {
      await expireBatches();
      await raw.config('SET', 'maxmemory', '1');
      throw new BrokerUnavailableError('It cannot be reached.');
    };
    await expect(enqueueInterrupted(batch(), 'move-piece', lose)).rejects.toThrow(
      /accepted before/,
    );

    await reclaim();

    expect(await numbersQueued()).toEqual(numbers(0, TASKS));
  });

  it('has all of it enqueued when Redis is full once it was accepted', async () => {
    const tasks = batch();
    const fill = () => raw.config('SET', 'maxmemory', '1');

    const outcomes = await enqueueInterrupted(tasks, 'move-piece', fill);

    expect(outcomes).toEqual(tasks.map(({ id }) => ({ id, created: true })));
    expect(await numbersQueued()).toEqual(numbers(0, TASKS));
  });

  it('is told that nothing was accepted when Redis is full before', async () => {
    await raw.config('SET', 'maxmemory', '1');

    await expect(stem.broker.enqueue(batch())).rejects.toThrow(/write a piece of a batch: OOM/);
    // Answered after every piece that is under way on the same connection: they must not find room.
    await stem.broker.find('nobody').catch(() => undefined);

    await raw.config('SET', 'maxmemory', '0');
    expect(await raw.keys(key('*').replaceAll(/[{}]/g, '\\$&'))).toEqual([]);
  });

  it('is not told that nothing was done when the connection is lost after it was accepted', async () => {
    const lose = () => Promise.reject(new BrokerUnavailableError('It cannot be reached.'));
    const outcomes = enqueueInterrupted(batch(), 'move-piece', lose);

    await expect(outcomes).rejects.toThrow(/cannot be reached\. The batch was accepted before/);
    await expect(outcomes).rejects.toBeInstanceOf(BrokerTimeoutError);
  });
});
