import { Injectable } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { Redis } from 'ioredis';
import { sources } from '../../libs/stem/src/broker/redis/scripts/sources.generated.js';
import {
  Schedule,
  StemClient,
  StemModule,
  Task,
  type TaskContext,
  UnrecoverableTaskError,
} from '../../libs/stem/src/index.js';
import { type RedisServer, startRedisServer } from '../support/redis-server.js';
import { blocksOf, readPage } from './markdown.js';

/** The words of the rule in docs/security.md: `ACL SETUSER shop on …`. */
const rule = ruleIn('docs/security.md');
const allowed = new Set(rule.flatMap((word) => (word.startsWith('+') ? [word.slice(1)] : [])));
const password = rule.find((word) => word.startsWith('>'))?.slice(1) ?? '';

@Injectable()
class ShopTasks {
  @Schedule('every:1s', { id: 'tick' })
  @Task('shop.tick')
  tick(): void {
    // That it is enqueued is enough.
  }

  @Task('shop.sell', { maxRetries: 1, retry: { delay: 1, jitter: false }, rateLimit: '1000/s' })
  async sell({ fate = '' }: { fate?: string }, ctx: TaskContext): Promise<string> {
    await ctx.progress(0.5);
    await ctx.heartbeat();
    if (fate === 'retry' && ctx.attempt === 0) ctx.retry({ delay: 1 });
    if (fate === 'fail') throw new UnrecoverableTaskError('no');
    if (fate === 'hang')
      await new Promise((_, reject) => ctx.signal.addEventListener('abort', reject));
    return 'sold';
  }
}

describe('the access rule of docs/security.md', () => {
  let redis: RedisServer;
  let admin: Redis;
  let module: TestingModule;
  let stem: StemClient;

  beforeAll(async () => {
    redis = await startRedisServer();
    admin = new Redis(redis.url());
    await admin.call('ACL', 'SETUSER', 'shop', ...rule);
    module = await Test.createTestingModule({
      imports: [
        StemModule.forRoot({
          broker: redis.url().replace('//', `//shop:${password}@`),
          resultBackend: redis.url(1).replace('//', `//shop:${password}@`),
          namespace: 'shop',
          partitions: 2,
          monitor: { flushInterval: 20 },
        }),
      ],
      providers: [ShopTasks],
    }).compile();
    module.useLogger(false);
    await module.init();
    stem = module.get(StemClient);
  });

  afterAll(async () => {
    await module?.close();
    admin?.disconnect();
    await redis?.stop();
  });

  it('names every command of the scripts', () => {
    const used = Object.values(sources).flatMap((source) =>
      [...source.matchAll(/\bp?call\('(\w+)'(?:, *'(\w+)')?/g)].map(([, name, sub]) => {
        const command = String(name).toLowerCase();
        return ['xgroup', 'xinfo'].includes(command) ? `${command}|${sub?.toLowerCase()}` : command;
      }),
    );
    expect([...new Set(used)].filter((command) => !allowed.has(command))).toEqual([]);
  });

  it('is enough for workers, Beat, clients and operators', async () => {
    await (await stem.enqueue('shop.sell', {}, { unique: true })).result({ timeout: '10s' });
    await (await stem.enqueue('shop.sell', { fate: 'retry' })).result({ timeout: '10s' });
    const later = await stem.enqueue('shop.sell', {}, { delay: '1h', expires: '2h' });
    await later.cancel();
    const many = { task: 'shop.sell', options: { delay: '1h' } } as const;
    await stem.enqueueMany(Array.from({ length: 800 }, () => many));
    const hanging = await stem.enqueue('shop.sell', { fate: 'hang' });
    await expect(hanging.result({ timeout: '200ms' })).rejects.toThrow();
    await hanging.status();
    await hanging.cancel();
    await hanging.result({ timeout: '10s' }).catch(() => undefined);
    const failed = await stem.enqueue('shop.sell', { fate: 'fail' });
    await expect(failed.result({ timeout: '10s' })).rejects.toThrow('no');

    await stem.deadLetters.list({ since: new Date(0) });
    await stem.deadLetters.replay({ queue: 'default', delay: '1h' });
    await stem.deadLetters.purge({ queue: 'default' });
    await stem.queues.list();
    await stem.queues.pause('other');
    await stem.queues.resume('other');
    await stem.queues.purge('other');
    for (const state of ['scheduled', 'queued', 'running', 'succeeded', 'failed'] as const)
      await stem.tasks.list({ state });
    await stem.schedules.upsert({ id: 'mine', task: 'shop.sell', spec: 'every:1h' });
    await stem.schedules.runNow('mine');
    await stem.schedules.pause('mine');
    await stem.schedules.list();
    await stem.schedules.remove('mine');
    await stem.workers.list();
    expect(await stem.workers.ping()).toHaveLength(1);
    await stem.workers.inspect();
    await stem.metrics();
    await stem.events.read();
    for await (const event of stem.events.follow({ after: '0' })) {
      expect(event.type).toBeDefined();
      break;
    }
    await stem.health();
    expect(await admin.call('ACL', 'LOG')).toEqual([]);
  });

  it('keeps the rest of the Redis out of reach', async () => {
    const shop = new Redis(redis.url().replace('//', `//shop:${password}@`));
    await admin.set('{other:0}:t:1', 'secret');
    await expect(shop.get('{other:0}:t:1')).rejects.toThrow('NOPERM');
    await expect(shop.keys('*')).rejects.toThrow('NOPERM');
    await expect(shop.config('GET', '*')).rejects.toThrow('NOPERM');
    await expect(shop.publish('other:control', '{}')).rejects.toThrow('NOPERM');
    shop.disconnect();
  });
});

function ruleIn(path: string): string[] {
  const texts = blocksOf(readPage(path)).map(({ lines }) => lines.join(' '));
  const [words = ''] = texts.flatMap((text) => /^ACL SETUSER shop (.*)$/.exec(text)?.[1] ?? []);
  return words.trim().split(/\s+/);
}
