import { Test } from '@nestjs/testing';
import { StemClient, StemModule } from 'nestjs-stem';
import { type RedisServer, startRedisServer } from '../../../test/support/redis-server.js';
import { ExampleProcess, until } from '../../support/example-process.js';

const MAIN = new URL('../dist/main.js', import.meta.url);
const SECONDS = 10_000;

describe('an application of @nestjs/schedule in two processes', () => {
  let redis: RedisServer;

  beforeAll(async () => {
    redis = await startRedisServer();
  });

  afterAll(async () => {
    await ExampleProcess.killAll();
    await redis.stop();
  });

  it('carries each job out once, tries again, and survives either process', async () => {
    const env = { STEM_BROKER_URL: redis.url() };
    const [one, other] = [ExampleProcess.start(MAIN, env), ExampleProcess.start(MAIN, env)];
    const count = (word: string): number =>
      `${one.output}${other.output}`.split(`[Housekeeping] ${word}`).length - 1;
    await until('some heartbeats of two processes', 2 * SECONDS, () =>
      count('heartbeat') >= 3 &&
      one.output.includes('Connected') &&
      other.output.includes('Connected')
        ? true
        : undefined,
    );
    await one.end('SIGTERM');
    const heartbeats = count('heartbeat');
    await until('heartbeats of the other one', SECONDS, () =>
      count('heartbeat') >= heartbeats + 3 ? true : undefined,
    );
    await until('rates, at the second try', 2 * SECONDS, () =>
      count('rates fetched') > 0 ? true : undefined,
    );
    // Running tasks are finished before it ends, so every run has been printed.
    await other.end('SIGTERM');

    const observer = await Test.createTestingModule({
      imports: [StemModule.forRoot({ broker: redis.url(), worker: false, beat: false })],
    }).compile();
    await observer.init();
    const { schedules, queues } = observer.get(StemClient);
    const { queued } = await queues.stats('default');
    const all = await schedules.list();
    const runsOf = (id: string): number => all.find((schedule) => schedule.id === id)?.runs ?? -1;
    const notPrinted =
      runsOf('heartbeat') + runsOf('cleanup') - count('heartbeat') - count('cleanup');
    await observer.close();

    expect(all.map(({ id }) => id)).toEqual(['cleanup', 'fetch-rates', 'heartbeat']);
    expect(notPrinted).toBeGreaterThanOrEqual(0);
    // Enqueued by the Beat while its worker was already stopping.
    expect(notPrinted).toBeLessThanOrEqual(queued);
  }, 90_000);
});
