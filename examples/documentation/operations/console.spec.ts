import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { StemClient, StemModule, Task } from 'nestjs-stem';
import { type RedisServer, startRedisServer } from '../../../test/support/redis-server.js';
import { until } from '../../support/example-process.js';
import { start } from '../support/application.js';
import { runStem } from '../support/stem-command.js';

let redis: RedisServer;
let mailServer: 'up' | 'down';
let sent: number[];

class Tasks {
  @Task('email.send', { maxRetries: 0 })
  send({ number }: { number: number }): void {
    if (mailServer === 'down') throw new Error('no mail server');
    sent.push(number);
  }

  @Task('report.render', { maxRetries: 0 })
  render(): never {
    throw new Error('no paper');
  }
}

beforeEach(async () => {
  mailServer = 'down';
  sent = [];
  redis = await startRedisServer();
});
afterEach(() => redis.stop());

async function boot(): Promise<{ stem: StemClient; close(): Promise<void> }> {
  const app = await start({
    imports: [StemModule.forRoot({ broker: redis.url(), worker: { name: 'worker-1' } })],
    providers: [Tasks],
  });
  return { stem: app.get(StemClient), close: () => app.close() };
}

/** The words of each line of a file, without quotes. */
const commandsOf = (file: string): string[][] =>
  readFileSync(join(__dirname, file), 'utf8')
    .trim()
    .split('\n')
    .map((line) => line.split(/\s+/).map((word) => word.replaceAll("'", '')));

it('the commands replay one dead letter, then those of a task, and delete what is left', async () => {
  const { stem, close } = await boot();
  const failed = async (count: number): Promise<unknown> =>
    until(`${count} dead letters`, 5_000, async () =>
      (await stem.deadLetters.list()).length === count ? true : undefined,
    );
  for (const number of [1, 2, 3]) {
    await stem.enqueue('email.send', { number });
    await failed(number);
  }
  await stem.enqueue('report.render');
  await failed(4);
  mailServer = 'up';

  const left = [3, 1, 0];
  for (const [program, ...words] of commandsOf('dead-letters.sh')) {
    expect(program).toBe('stem');
    const { exitCode, stderr } = await runStem([...words, '--broker', redis.url()]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    await failed(left.shift() ?? NaN);
  }
  await until('all are sent', 5_000, () => (sent.length === 3 ? true : undefined));
  expect(sent).toEqual([1, 2, 3]);
  await close();
});

it('the keys tell who holds a lease, and until when', async () => {
  const { stem, close } = await boot();
  const [worker] = await until('the worker is known', 5_000, async () => {
    const workers = await stem.workers.list();
    return workers.length > 0 ? workers : undefined;
  });
  const client = new Redis(redis.url());
  try {
    const [leases, consumers] = await Promise.all(
      commandsOf('leases.sh').map(([, command = '', ...args]) => client.call(command, ...args)),
    );
    const [holder, untilMs] = leases as string[];
    expect(holder).toBe(worker?.id);
    expect(Number(untilMs) - Date.now()).toBeGreaterThan(0);
    expect(Number(untilMs) - Date.now()).toBeLessThanOrEqual(31_000);
    expect(Object.keys(consumers as object)).toEqual([holder]);
  } finally {
    client.disconnect();
    await close();
  }
});
