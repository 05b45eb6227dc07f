import { CommandFactory } from 'nest-commander';
import { StemClient, StemModule } from 'nestjs-stem';
import { type RedisServer, startRedisServer } from '../../../test/support/redis-server.js';
import { start } from '../support/application.js';

let redis: RedisServer;
const { argv } = process;

beforeAll(async () => {
  redis = await startRedisServer();
});
afterAll(() => redis.stop());
afterEach(() => {
  process.argv = argv;
  process.exitCode = undefined;
  jest.restoreAllMocks();
});

/** Runs `my-cli` with these arguments in this process, to the end, and returns what it printed. */
async function myCli(...args: string[]): Promise<string> {
  let output = '';
  jest.spyOn(process.stdout, 'write').mockImplementation((text, ...rest: unknown[]) => {
    output += String(text);
    // The program waits until its output is written.
    const written = rest.at(-1);
    if (typeof written === 'function') (written as () => void)();
    return true;
  });
  process.argv = [process.execPath, 'my-cli', ...args];
  const run = jest.spyOn(CommandFactory, 'run');
  await import('./main.js');
  await run.mock.results[0]?.value;
  return output;
}

describe('the commands in an application of your own', () => {
  it('stand under a name', async () => {
    const app = await start({
      imports: [
        StemModule.forRoot({ broker: redis.url(), worker: false, allowUnknownTasks: true }),
      ],
    });
    await app.get(StemClient).enqueue('email.send', {}, { queue: 'mail' });
    const output = await myCli('jobs', 'queue', 'list', '--json', '--broker', redis.url());
    expect(JSON.parse(output)).toMatchObject([{ name: 'mail', queued: 1 }]);
  });
});
