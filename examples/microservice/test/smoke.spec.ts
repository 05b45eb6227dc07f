import { type RedisServer, startRedisServer } from '../../../test/support/redis-server.js';
import { ExampleProcess, get, post } from '../../support/example-process.js';

const ENQUEUER = new URL('../dist/enqueuer/main.js', import.meta.url);
const WORKER = new URL('../dist/worker/main.js', import.meta.url);
const HOLD_MS = 3_000;

describe('enqueuer and worker', () => {
  let redis: RedisServer;
  let url: string;
  let enqueuer: ExampleProcess;
  let worker: ExampleProcess;

  const connections = () => ({
    STEM_BROKER_URL: redis.url(0),
    STEM_RESULT_BACKEND_URL: redis.url(1),
    STEM_SCHEDULE_STORE_URL: redis.url(2),
  });
  const startWorker = async (): Promise<ExampleProcess> => {
    const started = ExampleProcess.start(WORKER, {
      ...connections(),
      STEM_VISIBILITY_TIMEOUT: '3s',
    });
    await started.prints(/worker '.*' on queues greetings/);
    return started;
  };
  const enqueue = async (body: object): Promise<string> => {
    const reply = await post<{ taskId: string }>(`${url}/enqueue`, body);
    expect(reply.status).toBe(202);
    return reply.body.taskId;
  };

  beforeAll(async () => {
    redis = await startRedisServer();
    enqueuer = ExampleProcess.start(ENQUEUER, { ...connections(), PORT: '0' });
    url = await enqueuer.url();
  });

  afterAll(async () => {
    await ExampleProcess.killAll();
    await redis.stop();
  });

  it('takes tasks while no worker runs, and waits for the result of one that starts later', async () => {
    const taskId = await enqueue({ name: 'Ada' });
    expect((await get(`${url}/result/${taskId}?timeout=100ms`)).status).toBe(504);
    expect((await get(`${url}/status/${taskId}`)).body).toMatchObject({
      state: 'queued',
      queue: 'greetings',
    });

    const waiting = get(`${url}/result/${taskId}?timeout=20s`);
    worker = await startWorker();
    expect(await waiting).toEqual({ status: 200, body: { message: 'Hello Ada' } });
  });

  it.each([
    ['enqueue', { name: ' ' }],
    ['enqueue', { name: 'Ada', holdMs: 'long' }],
  ])('refuses %s %j', async (path, body) => {
    expect((await post(`${url}/${path}`, body)).status).toBe(400);
  });

  it.each([
    ['status/nothing', 404],
    ['result/nothing', 404],
    ['result/nothing?timeout=soon', 400],
  ])('answers %s with %i', async (path, status) => {
    expect((await get(`${url}/${path}`)).status).toBe(status);
  });

  it('finishes a task whose worker was killed, once', async () => {
    const taskId = await enqueue({ name: 'Grace', holdMs: HOLD_MS });
    await worker.prints(new RegExp(`${taskId}: started, delivery 1`));
    expect(await worker.end('SIGKILL')).toMatchObject({ signal: 'SIGKILL' });

    const successor = await startWorker();
    expect(await get(`${url}/result/${taskId}?timeout=20s`)).toEqual({
      status: 200,
      body: { message: 'Hello Grace' },
    });
    expect((await get(`${url}/status/${taskId}`)).body).toMatchObject({
      state: 'succeeded',
      attempt: 0,
      deliveries: 2,
      result: { message: 'Hello Grace' },
    });

    const [byEnqueuer, bySuccessor] = await Promise.all([
      enqueuer.end('SIGTERM'),
      successor.end('SIGTERM'),
    ]);
    expect(byEnqueuer.code).toBe(0);
    expect(bySuccessor.code).toBe(0);
    const successes = new RegExp(`${taskId}: succeeded`, 'g');
    expect(`${worker.output}${successor.output}`.match(successes)).toHaveLength(1);
    expect(successor.output).toContain(`${taskId}: started, delivery 2`);
  }, 60_000);
});
