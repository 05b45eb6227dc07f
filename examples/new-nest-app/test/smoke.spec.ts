import { readFileSync } from 'node:fs';
import { ExampleProcess, get, post, until } from '../../support/example-process.js';
import { freePort } from '../../support/free-port.js';

afterAll(() => ExampleProcess.killAll());

describe('a new Nest application with a task', () => {
  it('enqueues, runs, tells, and ends in good order', async () => {
    const port = await freePort();
    const app = ExampleProcess.start(new URL('../dist/main.js', import.meta.url), {
      PORT: String(port),
    });
    await app.prints(/Nest application successfully started/);
    const url = `http://localhost:${port}/emails`;
    const { taskId } = (await post<{ taskId: string }>(url, {})).body;
    const task = await until('the task has ended', 10_000, async () => {
      const { body } = await get<{ state: string; result: unknown }>(`${url}/${taskId}`);
      return body.state === 'succeeded' ? body : undefined;
    });
    expect(task.result).toEqual({ sentTo: 'ada@example.com' });
    expect(Object.keys(task)).toEqual(Object.keys(shownIn('docs/getting-started.md')));
    expect(await app.end('SIGTERM')).toMatchObject({ code: 0 });
  });
});

/** What a page says that the status of the task looks like. */
function shownIn(page: string): object {
  const text = readFileSync(new URL(`../../../${page}`, import.meta.url), 'utf8');
  return JSON.parse(/```json\n([^`]*)```/.exec(text)?.[1] ?? '') as object;
}
