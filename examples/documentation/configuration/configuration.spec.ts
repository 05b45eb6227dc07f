import { Redis } from 'ioredis';
import { StemClient, StemConfigError, StemModule } from 'nestjs-stem';
import { StemTester, StemTestingModule } from 'nestjs-stem/testing';
import { startRedisServer } from '../../../test/support/redis-server.js';
import { start } from '../support/application.js';
import { knownWorkers } from '../support/known-workers.js';
import { AppModule } from './app.module.js';
import { AppModule as AsyncModule } from './async.module.js';

const environment = { ...process.env };

afterEach(() => {
  process.env = { ...environment };
});

describe('options in the code', () => {
  it('hold for the worker', async () => {
    const stem = (await start({ imports: [AppModule] })).get(StemClient);
    const task = await stem.enqueue<string>('report.render', { month: '2030-01' });
    expect(await task.result()).toBe('report of 2030-01');
    expect(await knownWorkers(stem)).toMatchObject([
      { queues: ['default', 'reports'], concurrency: 20 },
    ]);
  });

  it('say how long results are kept', async () => {
    const app = await start({ imports: [AppModule, StemTestingModule.forRoot()] });
    const task = await app.get(StemClient).enqueue('report.render', { month: '2030-01' });
    await app.get(StemTester).advance('11h');
    expect((await task.status())?.state).toBe('succeeded');
    await app.get(StemTester).advance('2h');
    expect(await task.status()).toBeUndefined();
  });

  it('beat variables, which beat the defaults, each for itself', async () => {
    process.env['STEM_WORKER_CONCURRENCY'] = '5';
    process.env['STEM_WORKER_NAME'] = 'from-the-environment';
    const stem = (await start({ imports: [AppModule] })).get(StemClient);
    expect(await knownWorkers(stem)).toMatchObject([
      { concurrency: 20, name: 'from-the-environment', prefetch: 40 },
    ]);
  });

  it('end the boot where they are wrong, without showing a password', async () => {
    process.env['STEM_BROKER_URL'] = 'redis-cluster://stem:secret@redis.example.com:6380/0';
    const failure = await start({ imports: [AppModule] }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(StemConfigError);
    expect(String(failure)).toContain('STEM_BROKER_URL');
    expect(String(failure)).not.toContain('secret');
    delete process.env['STEM_BROKER_URL'];
    await expect(
      start({ imports: [StemModule.forRoot({ worker: { concurrency: 0 } })] }),
    ).rejects.toThrow('concurrency');
  });
});

describe('options of a class', () => {
  it('may depend on other providers', async () => {
    const redis = await startRedisServer();
    try {
      process.env['STEM_BROKER_URL'] = redis.url();
      const app = await start({ imports: [AsyncModule] });
      const stem = app.get(StemClient);
      const task = await stem.enqueue<string>('report.render', { month: '2030-01' });
      expect(await task.result()).toBe('report of 2030-01');
      expect(await knownWorkers(stem)).toMatchObject([{ queues: ['reports'] }]);
      await app.close();

      const admin = new Redis(redis.url());
      const keys = await admin.keys('*');
      admin.disconnect();
      expect(keys.length).toBeGreaterThan(0);
      expect(keys.filter((key) => !key.includes('shop-of-acme'))).toEqual([]);
    } finally {
      await redis.stop();
    }
  });
});
