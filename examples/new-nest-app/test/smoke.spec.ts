import { readFileSync } from 'node:fs';
import { startRedisServer } from '../../../test/support/redis-server.js';
import { ExampleProcess, get, post, until } from '../../support/example-process.js';
import { freePort } from '../../support/free-port.js';

afterAll(() => ExampleProcess.killAll());

interface Shown {
  readonly state: string;
  readonly result: unknown;
}

/** Starts the application, and gives it and the address of its route. */
async function start(env: Readonly<Record<string, string>> = {}) {
  const port = await freePort();
  const app = ExampleProcess.start(new URL('../dist/main.js', import.meta.url), {
    PORT: String(port),
    ...env,
  });
  await app.prints(/Nest application successfully started/);
  return { app, emails: `http://localhost:${port}/emails` };
}

const sent = (emails: string, taskId: string): Promise<Shown> =>
  until('the task has ended', 10_000, async () => {
    const { body } = await get<Shown>(`${emails}/${taskId}`);
    return body.state === 'succeeded' ? body : undefined;
  });

describe('a new Nest application with a task', () => {
  it('enqueues, runs, tells, and ends in good order', async () => {
    const { app, emails } = await start();
    const { taskId } = (await post<{ taskId: string }>(emails, {})).body;
    const task = await sent(emails, taskId);
    expect(task.result).toEqual({ sentTo: 'ada@example.com' });
    expect(Object.keys(task)).toEqual(Object.keys(shownIn('docs/getting-started.md')));
    expect(await app.end('SIGTERM')).toMatchObject({ code: 0 });
  });

  it('knows its tasks after a restart, with Redis', async () => {
    const redis = await startRedisServer();
    try {
      const env = { STEM_BROKER_URL: redis.url() };
      const first = await start(env);
      const { taskId } = (await post<{ taskId: string }>(first.emails, {})).body;
      await sent(first.emails, taskId);
      await first.app.end('SIGTERM');

      const second = await start(env);
      expect((await sent(second.emails, taskId)).result).toEqual({ sentTo: 'ada@example.com' });
      await second.app.end('SIGTERM');
    } finally {
      await redis.stop();
    }
  });
});

/** What a page says that the status of the task looks like. */
function shownIn(page: string): object {
  const text = readFileSync(new URL(`../../../${page}`, import.meta.url), 'utf8');
  return JSON.parse(/```json\n([^`]*)```/.exec(text)?.[1] ?? '') as object;
}
