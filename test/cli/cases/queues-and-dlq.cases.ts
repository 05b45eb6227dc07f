import { performance } from 'node:perf_hooks';
import { RedisBroker } from '../../../libs/stem/src/broker/redis/redis-broker.js';
import { redisStem, TestStem } from '../../support/stem.js';
import type { Stage } from '../support/stage.js';

interface Letter {
  readonly id: string;
  readonly name: string;
  readonly queue: string;
  readonly replays: number;
}

/** Queues and dead letters. */
export function queueAndDlqCases(stage: Stage): void {
  /** Tasks that gave up, without the time that a worker would take. */
  const bury = async (count: number, name: string, queue = 'default'): Promise<void> => {
    const stem = await redisStem(stage.redis.url(), stage.namespace);
    stem.task(name, undefined, { queue });
    const consumer = await stem.broker.openConsumer({
      worker: 'w',
      queues: [queue],
      leaseMs: 60_000,
    });
    for (let left = count; left > 0; left -= 5_000) {
      const requests = Array.from({ length: Math.min(left, 5_000) }, (_, n) => ({
        task: name,
        args: { n },
        options: { headers: { tenant: 'billing' } },
      }));
      await stem.client.enqueueMany(requests);
    }
    for (let left = count; left > 0;) {
      const claimed = await consumer.claim(1_000);
      if (claimed.outcome !== 'claimed') throw new Error(claimed.outcome);
      left -= claimed.deliveries.length;
      const failure = { name: 'Error', message: `out of ${name}` };
      await Promise.all(
        claimed.deliveries.map((delivery) =>
          consumer.fail(delivery, { failure, reason: 'unrecoverable', startedAt: Date.now() }),
        ),
      );
    }
    await consumer.close();
    await stem.close();
  };

  describe('queues', () => {
    it('are listed, paused, resumed and purged', async () => {
      const stem = stage.fresh();
      expect(await stem.json('queue list')).toEqual([]);
      expect((await stem.run('queue', 'list')).stdout).toBe(
        'No queue was ever used in this namespace.\n',
      );
      await stem.json('task enqueue', 'echo', '-q', 'mail 测试');
      expect(await stem.json('queue pause', 'mail 测试', '-q', 'other')).toEqual([
        { queue: 'mail 测试', paused: true },
        { queue: 'other', paused: true },
      ]);
      const [listed, table] = await Promise.all([
        stem.json('queue list'),
        stem.run('queue', 'list'),
      ]);
      expect(listed).toMatchObject([
        { name: 'mail 测试', paused: true, queued: 1 },
        { name: 'other' },
      ]);
      expect(table.stdout).toMatch(/^mail 测试 +paused +1 /m);
      expect(await stem.json('queue purge', 'mail 测试', '--dry-run')).toEqual([
        { queue: 'mail 测试', purged: 1, dryRun: true },
      ]);
      expect(await stem.json('queue purge', 'mail 测试', '--yes')).toEqual([
        { queue: 'mail 测试', purged: 1, dryRun: false },
      ]);
      expect(await stem.json('queue resume', 'other')).toEqual([{ queue: 'other', paused: false }]);
      expect(await stem.json('queue drain', 'other')).toEqual([
        { queue: 'other', paused: true, waiting: 0 },
      ]);
    });
  });

  describe('a namespace of several partitions', () => {
    it('is seen as a whole', async () => {
      const stem = stage.fresh();
      const connection = { url: stage.redis.url() };
      const broker = new RedisBroker({ connection, namespace: stage.namespace, partitions: 3 });
      await broker.connect();
      const producer = new TestStem(broker).task('echo', undefined);
      const ids: string[] = [];
      for (let n = 0; n < 3; n++) ids.push((await producer.client.enqueue('echo', { n })).id);
      await producer.close();
      const [queues, tasks, shown] = await Promise.all([
        stem.json('queue list'),
        stem.json<Letter[]>('task list'),
        stem.json('task show', ids[2] as string),
      ]);
      expect(queues).toMatchObject([{ name: 'default', queued: 3 }]);
      expect(new Set(tasks.map(({ id }) => id))).toEqual(new Set(ids));
      expect(shown).toMatchObject({ args: { n: 2 } });
    });
  });

  describe('dead letters', () => {
    it('are empty at first, and that is no fault', async () => {
      const stem = stage.fresh();
      const [list, table, replay, show, one] = await Promise.all([
        stem.json('dlq list'),
        stem.run('dlq', 'list'),
        stem.json('dlq replay', '-q', 'default', '--yes'),
        stem.run('dlq', 'show', 'nowhere'),
        stem.report('dlq replay', '--id', 'nowhere', '--yes'),
      ]);
      expect(list).toEqual([]);
      expect(table).toEqual({ code: 0, stdout: 'No dead letters.\n', stderr: '' });
      expect(replay).toEqual({ replayed: [], skipped: [], dryRun: false });
      expect(show).toMatchObject({ code: 1, stderr: expect.stringContaining('No dead letter') });
      expect(one).toMatchObject({ code: 1, output: { skipped: ['nowhere'] } });
    });

    it('are listed, shown, replayed and purged by what they have in common', async () => {
      const stem = stage.fresh();
      await bury(3, 'email.send');
      await bury(2, 'report');
      const [all, mails, none, table] = await Promise.all([
        stem.json<Letter[]>('dlq list', '--queue', 'default'),
        stem.json<Letter[]>('dlq list', '--task', 'email.send', '--limit', '2'),
        stem.json<Letter[]>('dlq list', '--reason', 'delivery-limit'),
        stem.run('dlq', 'list', '--since', '1h'),
      ]);
      expect(all).toHaveLength(5);
      expect(mails.map(({ name }) => name)).toEqual(['email.send', 'email.send']);
      expect(none).toEqual([]);
      expect(table.stdout.trim().split('\n')).toHaveLength(6);

      const { id } = mails[0] as Letter;
      const [shown, text] = await Promise.all([
        stem.json('dlq show', id),
        stem.run('dlq', 'show', id),
      ]);
      expect(shown).toMatchObject({ id, reason: 'unrecoverable', replays: 0 });
      expect(text.stdout).toMatch(/^reason +unrecoverable$/m);

      const selection = ['-q', 'default', '--task', 'email.send', '--limit', '2'];
      const plan = await stem.json<{ replayed: string[] }>('dlq replay', ...selection, '--dry-run');
      expect(plan).toMatchObject({ dryRun: true, skipped: [] });
      expect(plan.replayed).toHaveLength(2);
      expect(await stem.json('dlq list')).toHaveLength(5);
      expect(await stem.json('dlq replay', ...selection, '--yes')).toEqual({
        ...plan,
        dryRun: false,
      });
      expect(await stem.json('task show', plan.replayed[0] as string)).toMatchObject({
        state: 'queued',
        attempt: 0,
        args: { n: expect.any(Number) },
        headers: { tenant: 'billing' },
      });

      expect(await stem.json('dlq purge', '-q', 'default', '--dry-run')).toEqual({
        purged: 3,
        dryRun: true,
      });
      expect(
        (await stem.run('dlq', 'purge', '-q', 'default', '--task', 'report', '--yes')).stdout,
      ).toBe('2 dead letters deleted\n');
      expect(await stem.json('dlq list')).toHaveLength(1);
    });

    it('are gone through in batches: 100,000 of them', async () => {
      const stem = stage.fresh();
      await bury(100_000, 'email.send');
      const from = performance.now();
      const report = await stem.json<{ replayed: string[] }>(
        'dlq replay',
        ...['--queue', 'default', '--limit', '50000', '--yes'],
      );
      const replayedMs = performance.now() - from;
      expect(new Set(report.replayed).size).toBe(50_000);
      const screen = await stage.inTerminal('dlq purge -q default --yes');
      expect(screen).toMatch(/deleting .+ \d+ % \(\d+ of 50000\)/);
      expect(screen).toMatch(/50000 dead letters deleted/);
      const purgedMs = performance.now() - from - replayedMs;
      expect(await stem.json('queue list')).toMatchObject([{ queued: 50_000, deadLetters: 0 }]);
      console.log(
        `50,000 dead letters: replayed in ${Math.round(replayedMs)} ms, purged in ${Math.round(purgedMs)} ms`,
      );
    }, 120_000);
  });
}
