import { join } from 'node:path';
import { StemClient, StemModule } from 'nestjs-stem';
import { type RedisServer, startRedisServer } from '../../../test/support/redis-server.js';
import { start } from '../support/application.js';
import { type Ending, runProgram, runStem } from '../support/stem-command.js';

let redis: RedisServer;

beforeAll(async () => {
  redis = await startRedisServer();
});
afterAll(() => redis.stop());

/** The client of an application that shares the Redis. */
async function boot(): Promise<StemClient> {
  const app = await start({
    imports: [
      StemModule.forRoot({
        broker: redis.url(),
        worker: false,
        beat: false,
        allowUnknownTasks: true,
      }),
    ],
  });
  return app.get(StemClient);
}

describe('the commands in an application of your own', () => {
  async function myCli(...args: string[]): Promise<Ending> {
    return runProgram(['my-cli', ...args, '--broker', redis.url()], () =>
      // By itself, since it moves the commands for the whole of its process.
      jest.isolateModulesAsync(async () => {
        const { CommandFactory } = await import('nest-commander');
        const run = jest.spyOn(CommandFactory, 'run');
        await import('./main.js');
        await run.mock.results[0]?.value;
      }),
    );
  }

  it('stand under a name', async () => {
    const stem = await boot();
    await stem.enqueue('email.send', {}, { queue: 'mail' });
    const { exitCode, stdout } = await myCli('jobs', 'queue', 'list', '--json');
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject([{ name: 'mail', queued: 1 }]);
  });
});

describe('stem schedule apply', () => {
  const apply = (...more: string[]): Promise<Ending> => {
    const file = join(__dirname, 'schedules.yaml');
    return runStem(['schedule', 'apply', '--file', file, '--broker', redis.url(), ...more]);
  };

  it('does nothing unless it is told to', async () => {
    const stem = await boot();
    expect(await apply()).toMatchObject({ exitCode: 64 });
    expect(await apply('--dry-run')).toMatchObject({ exitCode: 0 });
    expect(await stem.schedules.list()).toEqual([]);
  });

  it('makes the schedules of the file, and keeps others and pauses', async () => {
    const stem = await boot();
    await stem.schedules.upsert({ id: 'other', task: 'other', spec: 'every:1d' });
    expect(await apply('--yes')).toMatchObject({ exitCode: 0 });
    await stem.schedules.pause('poll');
    expect(await apply('--yes')).toMatchObject({ exitCode: 0 });
    expect(await stem.schedules.list()).toMatchObject([
      {
        id: 'cleanup',
        task: 'maintenance.cleanup',
        timezone: 'Europe/Berlin',
        args: { olderThan: '30d' },
        state: 'active',
      },
      { id: 'other' },
      { id: 'poll', spec: 'every:5m', jitter: 30_000, state: 'paused' },
    ]);

    expect(await apply('--prune', '--yes')).toMatchObject({ exitCode: 0 });
    expect((await stem.schedules.list()).map(({ id }) => id)).toEqual(['cleanup', 'poll']);
  });
});
