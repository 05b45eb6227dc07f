import { connectionTo } from '../chaos/connection.js';
import { Redis } from 'ioredis';
import { RedisBroker } from '../../libs/stem/src/broker/redis/redis-broker.js';
import { eventually } from '../contract/broker-harness.js';
import { type RedisPair, startRedisPair } from '../support/redis-sentinel.js';
import type { RedisServer } from '../support/redis-server.js';
import { freshNamespace, gate, RememberingLogger, TestStem } from '../support/stem.js';

/** What an application gets whose `broker` is this URL. */
async function sentinelStem(url: string): Promise<TestStem> {
  const log = new RememberingLogger();
  const broker = new RedisBroker({
    connection: connectionTo(url),
    namespace: freshNamespace(),
    commandTimeoutMs: 2_000,
    log,
  });
  await broker.connect();
  return new TestStem(broker, undefined, log);
}

// Longer than the pair's own patience, so that what is waited for in vain is named.
jest.setTimeout(90_000);

let pair: RedisPair;
let stem: TestStem;
beforeAll(async () => {
  pair = await startRedisPair();
});
afterAll(() => pair.stop());
beforeEach(async () => {
  stem = await sentinelStem(pair.url);
  await stem.worker({ visibilityTimeoutMs: 3_000 }).start();
});
afterEach(() => stem.close());

describe('a replica pair behind Sentinel', () => {
  it('goes on by itself after a failover, with tasks that were running and waiting', async () => {
    const started = gate();
    const go = gate();
    let runs = 0;
    stem.task('echo', (args) => args);
    stem.task('long', async () => {
      runs++;
      started.open();
      await go.promise;
      return 'kept';
    });
    const long = await stem.client.enqueue('long');
    const result = long.result({ timeout: '30s' });
    await started.promise;
    const waiting = await stem.client.enqueue('echo', { n: 1 }, { delay: '2s' });
    await pair.mark('so far');

    await pair.failOver();
    go.open();

    expect(await result).toBe('kept');
    expect(runs).toBe(1);
    expect(await waiting.result({ timeout: '15s' })).toEqual({ n: 1 });
    const after = await stem.client.enqueue('echo', { n: 2 });
    expect(await after.result({ timeout: '15s' })).toEqual({ n: 2 });
    expect(stem.log.lines.join('\n')).toMatch(/warn Lost the connection[^]*Connected to .* again/);
    await pair.rejoin();
  });

  it('passes over a Sentinel that does not answer', async () => {
    const silent = pair.sentinels[0] as RedisServer;
    process.kill(silent.pid, 'SIGSTOP');
    try {
      const other = await sentinelStem(pair.url);
      expect(await other.client.queues.list()).toEqual([]);
      await other.close();
    } finally {
      process.kill(silent.pid, 'SIGCONT');
    }
  });

  it('comes through a second one, and waits for the replica that min-replicas-to-write asks for', async () => {
    stem.task('echo', (args) => args);
    await pair.failOver();
    const master = new Redis(pair.master.url());
    await master.config('SET', 'min-replicas-to-write', '1');

    await expect(stem.client.enqueue('echo', { n: 1 })).rejects.toThrow(
      /whether it was done is unknown|cannot be reached/,
    );
    const rejoined = pair.rejoin();
    await eventually(async () => {
      const task = await stem.client.enqueue('echo', { n: 2 });
      expect(await task.result({ timeout: '10s' })).toEqual({ n: 2 });
    });

    await rejoined;
    master.disconnect();
  });
});
