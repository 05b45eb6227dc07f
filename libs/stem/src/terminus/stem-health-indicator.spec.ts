import 'reflect-metadata';
import type { INestApplicationContext } from '@nestjs/common';
import { HealthCheckService, TerminusModule } from '@nestjs/terminus';
import { Test } from '@nestjs/testing';
import { StemModule } from '../nest/stem.module.js';
import { StemClient } from '../client/stem-client.js';
import { StemHealthIndicator } from './stem-health-indicator.js';

const logger = { log: () => {}, warn: () => {}, error: () => {}, debug: () => {} };
let app: INestApplicationContext;
let indicator: StemHealthIndicator;

const boot = async (worker: boolean): Promise<void> => {
  app = await Test.createTestingModule({
    imports: [
      TerminusModule.forRoot({ logger: false }),
      StemModule.forRoot({ worker, logger, allowUnknownTasks: true }),
      StemModule.forRoot({ name: 'billing', worker: false, beat: false, logger }),
    ],
    providers: [StemHealthIndicator],
  }).compile();
  await app.init();
  indicator = app.get(StemHealthIndicator);
};
afterEach(() => app.close());

describe('StemHealthIndicator', () => {
  it('is up with what was looked at, where everything works', async () => {
    await boot(true);
    expect(await indicator.isHealthy()).toEqual({
      stem: {
        status: 'up',
        broker: { healthy: true, latencyMs: expect.any(Number) },
        'schedule-store': { healthy: true, latencyMs: expect.any(Number) },
        workers: { healthy: true },
        beat: { healthy: true, reason: expect.any(String) },
      },
    });
  });

  it('is down with the reason, which fails the check of terminus', async () => {
    await boot(false);
    await app.get(StemClient).enqueue('nobody.runs.it');
    const check = app.get(HealthCheckService).check([() => indicator.isHealthy('jobs')]);
    await expect(check).rejects.toMatchObject({
      response: {
        status: 'error',
        error: {
          jobs: {
            status: 'down',
            message: expect.stringMatching(/^workers: /),
            broker: { healthy: true },
            workers: { healthy: false, reason: expect.any(String) },
          },
        },
      },
    });
  });

  it('looks at some checks only, and at another Stem', async () => {
    await boot(false);
    expect(await indicator.isHealthy('jobs', { checks: ['broker'], stem: 'billing' })).toEqual({
      jobs: { status: 'up', broker: { healthy: true, latencyMs: expect.any(Number) } },
    });
  });

  it('refuses what there is not', async () => {
    await boot(false);
    await expect(indicator.isHealthy('a', { checks: ['brokr' as never] })).rejects.toThrow(/brokr/);
    await expect(indicator.isHealthy('a', { checks: [] })).rejects.toThrow(/some of/);
    await expect(indicator.isHealthy('a', { stem: 'nope' })).rejects.toThrow(/nope/);
  });
});
