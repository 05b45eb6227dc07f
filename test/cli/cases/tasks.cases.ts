import type { Stage } from '../support/stage.js';
import type { StemProcess, StemProgram } from '../support/stem-program.js';

interface Task {
  readonly id: string;
  readonly name: string;
  readonly state: string;
  readonly [field: string]: unknown;
}

/** Tasks, with a real worker that `stem worker start` runs. */
export function taskCases(stage: Stage): void {
  describe('tasks', () => {
    let stem: StemProgram;
    let worker: StemProcess;

    beforeAll(async () => {
      stem = stage.fresh();
      worker = stem.start('worker', 'start', '--app', 'esm/app.module.js');
      await worker.prints(/Connected to/);
    });
    afterAll(async () => {
      expect(await worker.end('SIGTERM')).toMatchObject({ code: 0 });
    });

    it('are enqueued, run, and shown with their result', async () => {
      const enqueue = ['--args', '{"a":1}', '--arg', 'b=x', '--header', 'tenant=billing', '--wait'];
      const done = await stem.json<Task>('task enqueue', 'echo', ...enqueue);
      expect(done).toEqual({ id: done.id, name: 'echo', created: true, result: { a: 1, b: 'x' } });

      const [shown, result, text, listed] = await Promise.all([
        stem.json<Task>('task show', done.id),
        stem.json<unknown>('task result', done.id),
        stem.run('task', 'show', done.id),
        stem.json<Task[]>('task list', '--state', 'succeeded', '--name', 'echo'),
      ]);
      expect(shown).toMatchObject({
        state: 'succeeded',
        headers: { tenant: 'billing' },
        args: { a: 1, b: 'x' },
        result: { a: 1, b: 'x' },
      });
      expect(result).toEqual({ id: done.id, result: { a: 1, b: 'x' } });
      expect(text.stdout).toMatch(/^state +succeeded$/m);
      expect(listed).toEqual([shown]);
      await worker.prints(new RegExp(`echo ${done.id} succeeded after`));
    });

    it('print no control characters that came with their results and errors', async () => {
      const escapes = '\u009b2Jand\u001b[2Jmore';
      const [result, failure] = await Promise.all([
        stem.run('task', 'enqueue', 'echo', '--arg', `text=${escapes}`, '--wait'),
        stem.run('task', 'enqueue', 'fail', '--arg', `message=${escapes}`, '--wait', '--verbose'),
      ]);
      expect(JSON.parse(result.stdout)).toEqual({ text: escapes });
      expect(failure.stderr).toMatch(/\n\s+at .*\n/);
      for (const shown of [result.stdout, failure.stderr]) {
        expect(shown).toContain('2Jand\\u001b[2Jmore');
        // eslint-disable-next-line no-control-regex -- what must not be there
        expect(shown).not.toMatch(/[\u001b\u009b]/);
      }
    });

    it('may have names with spaces and any script, and wait for their time', async () => {
      const args = ['Größe 测试', '--delay', '1h', '--id', 'Bestellung 7', '--priority', '9'];
      const task = await stem.json<Task>('task enqueue', ...args);
      expect(task).toEqual({ id: 'Bestellung 7', name: 'Größe 测试', created: true });
      const [again, listed, table] = await Promise.all([
        stem.json<Task>('task enqueue', ...args),
        stem.json<Task[]>('task list', '--state', 'scheduled'),
        stem.run('task', 'list', '--state', 'scheduled'),
      ]);
      expect(again).toMatchObject({ created: false });
      expect(listed).toMatchObject([{ id: 'Bestellung 7', name: 'Größe 测试' }]);
      expect(table.stdout).toMatch(/^Bestellung 7 +Größe 测试 +scheduled +in \d+m /m);
    });

    it('end with 1 when they have failed, with 70 when they take longer than one waits', async () => {
      const [failed, slow] = await Promise.all([
        stem.run('task', 'enqueue', 'fail', '--arg', 'message=out\nof luck', '--wait'),
        stem.run(
          'task',
          'enqueue',
          'slow',
          '-q',
          'slow',
          '--arg',
          'ms=30000',
          '--wait',
          '--timeout',
          '1s',
        ),
      ]);
      expect(failed).toMatchObject({ code: 1, stdout: '' });
      expect(failed.stderr).toMatch(/^stem: Task 'fail' .* out of luck\n$/);
      expect(slow).toMatchObject({ code: 70, stdout: '' });
      expect(slow.stderr).toMatch(/had not ended after 1s. It goes on: `stem task show/);
    });

    it('are cancelled, also while they run', async () => {
      const slow = await stem.json<Task>('task enqueue', 'slow', '-q', 'slow', '--arg', 'ms=30000');
      await expectState(stem, slow.id, 'running');
      expect(await stem.run('task', 'result', slow.id)).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('is running: add --wait'),
      });
      expect(await stem.json('task cancel', slow.id, '--reason', 'enough')).toEqual([
        { id: slow.id, outcome: 'requested' },
      ]);
      expect(await stem.run('task', 'result', slow.id, '--wait')).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('was cancelled: enough'),
      });
      const { code, output } = await stem.report('task cancel', slow.id, 'nowhere');
      expect({ code, output }).toEqual({
        code: 1,
        output: [
          { id: slow.id, outcome: 'ended' },
          { id: 'nowhere', outcome: 'not-found' },
        ],
      });
    });

    it('are looked for in vain with 1', async () => {
      const [show, result] = await Promise.all([
        stem.run('task', 'show', 'nowhere'),
        stem.run('task', 'result', 'nowhere', '--wait'),
      ]);
      expect(show).toMatchObject({ code: 1, stderr: expect.stringContaining("No task 'nowhere'") });
      expect(result).toMatchObject({ code: 1, stdout: '' });
    });
  });

  describe('an application', () => {
    it.each(['esm', 'cjs'])('in %s tells its tasks without any broker', async (format) => {
      const stem = stage.fresh({ STEM_BROKER_URL: '' });
      const app = ['--app', `${format}/app.module.js`];
      const [tasks, table] = await Promise.all([
        stem.json<Task[]>('tasks ls', ...app),
        stem.run('tasks', 'ls', ...app),
      ]);
      expect(tasks.map(({ name }) => name)).toEqual(['Größe 测试', 'echo', 'fail', 'slow', 'tick']);
      expect(tasks[3]).toMatchObject({ queue: 'slow', maxRetries: 0, softTimeLimitMs: 3_600_000 });
      expect(table.stdout).toMatch(/^echo +default +3 +@Task on Chores.echo/m);
    });

    it('checks tasks before they are sent, and works on none of them', async () => {
      const stem = stage.fresh();
      const app = ['--app', 'cjs/app.module.js'];
      const [wrong, sent] = await Promise.all([
        stem.run('task', 'enqueue', 'ehco', ...app),
        stem.json<Task>('task enqueue', 'tick', ...app),
      ]);
      expect(wrong).toMatchObject({ code: 64, stderr: expect.stringContaining("mean 'echo'") });
      expect(await stem.json<Task>('task show', sent.id, ...app)).toMatchObject({
        state: 'queued',
      });
      expect(await stem.json('worker status', ...app).catch(() => 'none')).toBe('none');
      expect(await stem.json('schedule list', ...app)).toEqual([]);
    });

    it('that cannot be used is told with the reason', async () => {
      const stem = stage.fresh();
      const list = (file: string) => stem.run('tasks', 'ls', '--app', file);
      const [missing, broken, without] = await Promise.all([
        list('esm/nowhere.js'),
        list('cjs/broken.module.js'),
        list('esm/without-stem.module.js'),
      ]);
      expect(missing).toMatchObject({ code: 64, stderr: expect.stringMatching(/does not exist/) });
      expect(broken).toMatchObject({
        code: 70,
        stderr: expect.stringMatching(/could not be loaded: this module cannot be loaded/),
      });
      expect(without).toMatchObject({ code: 64, stderr: expect.stringMatching(/no StemModule/) });
    });
  });
}

/** Waits until a task is in a state. */
export async function expectState(stem: StemProgram, id: string, state: string): Promise<void> {
  for (const deadline = Date.now() + 20_000; ;) {
    const task = await stem.json<Task>('task show', id);
    if (task.state === state) return;
    if (Date.now() > deadline) expect(task.state).toBe(state);
  }
}
