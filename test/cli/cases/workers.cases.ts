import type { Stage } from '../support/stage.js';
import type { Outcome, StemProcess, StemProgram } from '../support/stem-program.js';
import { expectState } from './tasks.cases.js';

interface Reply {
  readonly worker: string;
  readonly status: string;
  readonly answer?: { readonly [field: string]: unknown };
}

const WORKER = ['worker', 'start', '--app', 'esm/app.module.js', '--name', 'Werk 测试'];

/** Workers and Beats as processes: how they start, are governed, observed, and end. */
export function workerCases(stage: Stage): void {
  let unreachable: Promise<Outcome> | undefined;

  const startWorker = async (stem: StemProgram, ...args: string[]): Promise<StemProcess> => {
    const worker = stem.start(...WORKER, ...args);
    await worker.prints(/Connected to/);
    return worker;
  };
  /** Until its first heartbeat has come. */
  const isKnown = async (stem: StemProgram): Promise<void> => {
    while ((await stem.run('worker', 'status')).code !== 0);
  };

  describe('a start that cannot be', () => {
    it('ends with the reason', async () => {
      // It tries for the ten seconds that the application gives a connection; others need not wait for it.
      unreachable = stage
        .fresh()
        .run(...WORKER, '--broker', 'redis://ops:hush@127.0.0.1:1', '--json');
      const [missing, concurrency] = await Promise.all([
        stage.fresh().run('worker', 'start', '--app', 'esm/nowhere.js'),
        stage.fresh().run(...WORKER, '--concurrency', '0'),
      ]);
      expect(missing).toMatchObject({ code: 64 });
      expect(concurrency).toMatchObject({ code: 64 });
    });
  });

  describe('without a worker', () => {
    it('commands to workers end with 1, and say that there is none', async () => {
      const stem = stage.fresh();
      const [ping, stats, inspect, status, text, health] = await Promise.all([
        stem.report('worker ping'),
        stem.report('worker stats'),
        stem.report('worker inspect', '--worker', 'nobody', '--timeout', '200ms'),
        stem.report('worker status'),
        stem.run('worker', 'ping'),
        stem.report<{ healthy: boolean }>('health'),
      ]);
      for (const { code, output } of [ping, stats, status]) {
        expect({ code, output }).toEqual({ code: 1, output: [] });
      }
      expect(inspect).toMatchObject({
        code: 1,
        output: [{ worker: 'nobody', status: 'no-answer' }],
      });
      expect(text).toMatchObject({ code: 1, stdout: expect.stringMatching(/^No worker answered/) });
      expect(health).toMatchObject({ code: 1, output: { healthy: false } });
    });
  });

  describe('a worker', () => {
    let stem: StemProgram;
    let worker: StemProcess;
    let beat: StemProcess;

    beforeAll(async () => {
      stem = stage.fresh();
      worker = await startWorker(stem, '-q', 'default', '-q', 'slow', '--concurrency', '3');
      beat = stem.start('beat', 'start', '--app', 'cjs/app.module.js');
      await beat.prints(/ticks: enqueued tick /);
      await isKnown(stem);
    });
    afterAll(async () => {
      await Promise.all([worker.end('SIGKILL'), beat.end('SIGKILL')]);
    });

    it('answers what it is asked', async () => {
      const [ping, stats, status, table] = await Promise.all([
        stem.json<Reply[]>('worker ping'),
        stem.json<Reply[]>('worker stats', '--worker', 'Werk 测试'),
        stem.json('worker status'),
        stem.run('worker', 'ping'),
      ]);
      expect(ping).toMatchObject([{ status: 'ok', answer: { state: 'ready', isHealthy: true } }]);
      expect(stats).toMatchObject([{ answer: { queues: ['default', 'slow'], concurrency: 3 } }]);
      expect(status).toMatchObject([{ name: 'Werk 测试', isAlive: true, concurrency: 3 }]);
      expect(table.stdout).toMatch(/^Werk 测试-[\w-]+ +ok +ready +healthy +\d+ms$/m);
    });

    it('shows, pauses, resumes and revokes what it has in hand', async () => {
      const slow = await stem.json<{ id: string }>(
        'task enqueue',
        ...['slow', '-q', 'slow', '--arg', 'ms=60000'],
      );
      await expectState(stem, slow.id, 'running');
      const [inspected, table, paused] = await Promise.all([
        stem.json<Reply[]>('worker inspect'),
        stem.run('worker', 'inspect'),
        stem.json<Reply[]>('worker pause', '-q', 'slow'),
      ]);
      expect(inspected[0]?.answer).toMatchObject({
        tasks: expect.arrayContaining([expect.objectContaining({ id: slow.id, state: 'running' })]),
      });
      expect(table.stdout).toMatch(new RegExp(`^${slow.id} +slow +running `, 'm'));
      expect(paused).toMatchObject([{ status: 'ok', answer: { paused: ['slow'] } }]);
      expect(await stem.json('worker resume', '-q', 'slow')).toMatchObject([
        { answer: { paused: [] } },
      ]);
      expect(
        await stem.json<Reply[]>('worker revoke', '--task', slow.id, '--reason', 'enough'),
      ).toMatchObject([{ status: 'ok', answer: { revoked: [slow.id] } }]);
      await expectState(stem, slow.id, 'cancelled');
    });

    it('is observed with what it has counted', async () => {
      const done = await stem.json<{ id: string }>('task enqueue', 'echo', '--wait');
      await stem.run('task', 'enqueue', 'fail', '--wait');
      const counted = async (): Promise<unknown> => {
        const { tasks } = await stem.json<{ tasks: { task: string; succeeded: number }[] }>(
          'observe metrics',
        );
        return tasks.find(({ task, succeeded }) => task === 'echo' && succeeded > 0);
      };
      while ((await counted()) === undefined);
      const [health, workers, queues, dlq, schedules, events, metrics] = await Promise.all([
        stem.json('health'),
        stem.json('observe workers'),
        stem.json('observe queues'),
        stem.json('observe dlq'),
        stem.json('observe schedules'),
        stem.json<{ type: string; task?: { id: string } }[]>('observe events', '--task', 'echo'),
        stem.run('observe', 'metrics', '--window', '5m'),
      ]);
      expect(health).toMatchObject({ healthy: true });
      expect(workers).toMatchObject([{ name: 'Werk 测试' }]);
      expect(queues).toMatchObject([{ name: 'default' }, { name: 'slow' }]);
      expect(dlq).toMatchObject({
        kinds: [{ task: 'fail', reason: 'retries-exhausted', count: 1 }],
      });
      expect(schedules).toMatchObject([{ id: 'ticks', origin: 'code' }]);
      expect(events.filter(({ task }) => task?.id === done.id).map(({ type }) => type)).toEqual(
        expect.arrayContaining(['task-started', 'task-succeeded']),
      );
      expect(metrics.stdout).toMatch(/^echo +default +\d +1 +0 /m);
    });

    it('is followed live, until Ctrl-C', async () => {
      const events = stem.start('observe', 'events', '--follow', '--json');
      const status = stem.start('worker', 'status', '--follow', '--interval', '100ms', '--json');
      await Promise.all([
        events.prints(/"type":"schedule-dispatched"/),
        status.prints(/\n.*"name":"Werk 测试".*\n/),
      ]);
      const outcomes = await Promise.all([events.end('SIGINT'), status.end('SIGINT')]);
      for (const { code, stdout, stderr } of outcomes) {
        expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
        for (const line of stdout.trim().split('\n')) JSON.parse(line);
      }
    });

    it('stops when it is told to, and its process with it', async () => {
      expect(await stem.json('worker shutdown', '--mode', 'warm')).toMatchObject([
        { status: 'ok', answer: { mode: 'warm' } },
      ]);
      expect(await worker.ended()).toMatchObject({ code: 0 });
      expect(await stem.report('worker status')).toMatchObject({ code: 1, output: [] });
      expect(await beat.end('SIGTERM')).toMatchObject({ code: 0 });
    });
  });

  describe('SIGTERM', () => {
    it('lets running tasks end, and a second one ends at once', async () => {
      const stem = stage.fresh();
      const slow = (ms: number) =>
        stem.json<{ id: string }>('task enqueue', 'slow', '-q', 'slow', '--arg', `ms=${ms}`);
      const [warm, impatient] = [await startWorker(stem), stage.fresh()];
      const { id } = await slow(1_500);
      await expectState(stem, id, 'running');
      expect(await warm.end('SIGTERM')).toMatchObject({ code: 0 });
      expect(await stem.json('task show', id)).toMatchObject({ state: 'succeeded' });

      const worker = await startWorker(impatient);
      const task = await impatient.json<{ id: string }>(
        'task enqueue',
        ...['slow', '-q', 'slow', '--arg', 'ms=60000'],
      );
      await expectState(impatient, task.id, 'running');
      worker.signal('SIGTERM');
      await worker.prints(/SIGTERM: draining/);
      expect(await worker.end('SIGTERM')).toMatchObject({ code: 143 });
    });
  });

  describe('a start without a broker', () => {
    it('ended with 70, one line, and without the password', async () => {
      const { code, stdout = '', stderr = '' } = (await unreachable) ?? {};
      expect({ code, stderr }).toEqual({ code: 70, stderr: expect.stringMatching(/ECONNREFUSED/) });
      expect(stderr.trim().split('\n')).toHaveLength(1);
      expect(stdout + stderr).not.toMatch(/hush/);
    });
  });
}
