import { hostname } from 'node:os';
import { MemoryBroker } from '../broker/memory/memory-broker.js';
import { defineTask } from '../core/define-task.js';
import { StemConfigError } from '../core/errors.js';
import { resolveStemOptions } from './resolve-options.js';
import type { StemOptions } from './stem-options.js';

const refusal = (options: unknown, env: Record<string, string> = {}): StemConfigError => {
  try {
    resolveStemOptions(options as StemOptions, env);
  } catch (error) {
    if (error instanceof StemConfigError) return error;
    throw error;
  }
  throw new Error('was not refused');
};

describe('resolveStemOptions', () => {
  it('needs nothing: the defaults run in memory', () => {
    expect(resolveStemOptions({}, {})).toEqual({
      name: 'default',
      broker: { kind: 'memory', sharedAs: undefined },
      resultBackend: undefined,
      scheduleStore: undefined,
      namespace: 'stem',
      defaultQueue: 'default',
      defaultMaxRetries: 3,
      resultTtlMs: 86_400_000,
      worker: {
        queues: ['default'],
        concurrency: 10,
        name: hostname(),
        prefetchMultiplier: 2,
        visibilityTimeoutMs: 30_000,
        heartbeatIntervalMs: 10_000,
        drainTimeoutMs: 25_000,
        pollIntervalMs: 10_000,
        maxDeliveries: 3,
        unhealthyAfterMs: 30_000,
      },
      beat: {
        adoptNestSchedule: false,
        owner: undefined,
        pollIntervalMs: 5_000,
        heartbeatIntervalMs: 10_000,
      },
      monitor: {
        heartbeats: true,
        metrics: true,
        events: true,
        flushIntervalMs: 2_000,
        metricsKeptMs: 3_600_000,
        eventsKept: 10_000,
        eventsPerSecond: 500,
      },
      tasks: [],
      allowUnknownTasks: false,
      partitions: 1,
      limits: { argsBytes: 1_048_576, resultBytes: 1_048_576, headersBytes: 65_536 },
      onConnectFailure: 'fail',
      connectTimeoutMs: 10_000,
      commandTimeoutMs: 5_000,
      logger: undefined,
    });
  });

  describe('precedence: options beat the environment, which beats the defaults', () => {
    const env = {
      STEM_NAMESPACE: 'from-env',
      STEM_DEFAULT_MAX_RETRIES: '7',
      STEM_WORKER_CONCURRENCY: '4',
      STEM_WORKER_QUEUES: 'a,b',
    };

    it.each<[string, StemOptions, object]>([
      ['nothing given', {}, { namespace: 'from-env', defaultMaxRetries: 7 }],
      ['one given', { namespace: 'given' }, { namespace: 'given', defaultMaxRetries: 7 }],
      ['a zero given', { defaultMaxRetries: 0 }, { namespace: 'from-env', defaultMaxRetries: 0 }],
      [
        'undefined counts as not given',
        { namespace: undefined } as unknown as StemOptions,
        { namespace: 'from-env' },
      ],
    ])('%s', (_, options, expected) => {
      expect(resolveStemOptions(options, env)).toMatchObject(expected);
    });

    it.each<[string, StemOptions, object | undefined]>([
      ['not given', {}, { concurrency: 4, queues: ['a', 'b'], maxDeliveries: 3 }],
      ['true', { worker: true }, { concurrency: 4, queues: ['a', 'b'] }],
      ['one field', { worker: { concurrency: 2 } }, { concurrency: 2, queues: ['a', 'b'] }],
      ['another field', { worker: { queues: ['c'] } }, { concurrency: 4, queues: ['c'] }],
      ['false', { worker: false }, undefined],
    ])('of worker, field by field: %s', (_, options, expected) => {
      const { worker } = resolveStemOptions(options, env);
      if (expected) expect(worker).toMatchObject(expected);
      else expect(worker).toBeUndefined();
    });
  });

  it('tells operators nothing when told so, by option or variable; the option wins', () => {
    const monitorOf = (monitor: StemOptions['monitor'], variable = '') =>
      resolveStemOptions(
        { ...(monitor === undefined ? {} : { monitor }) },
        { STEM_MONITOR: variable },
      ).monitor;
    expect(monitorOf(false)).toBeUndefined();
    expect(monitorOf(undefined, 'false')).toBeUndefined();
    expect(monitorOf(true, 'off')).toMatchObject({ metrics: true });
    expect(monitorOf({ events: false }, 'off')).toMatchObject({ metrics: true, events: false });
    expect(monitorOf(false, 'true')).toBeUndefined();
  });

  it('lets the worker serve the default queue unless told otherwise', () => {
    const { worker } = resolveStemOptions({ defaultQueue: 'mail' }, {});
    expect(worker?.queues).toEqual(['mail']);
  });

  it('takes the prefetch multiplier of the module unless the worker has its own', () => {
    const shared = resolveStemOptions({ prefetchMultiplier: 5 }, {});
    const own = resolveStemOptions(
      { prefetchMultiplier: 5, worker: { prefetchMultiplier: 1 } },
      {},
    );
    expect([shared.worker?.prefetchMultiplier, own.worker?.prefetchMultiplier]).toEqual([5, 1]);
  });

  it('serves a queue that is listed twice once', () => {
    expect(resolveStemOptions({ worker: { queues: ['a', 'a'] } }, {}).worker?.queues).toEqual([
      'a',
    ]);
  });

  it.each<[string, unknown, string]>([
    ['namespace', { namespace: '' }, 'namespace'],
    ['namespace with braces', { namespace: 'a{b}' }, 'namespace'],
    ['defaultMaxRetries', { defaultMaxRetries: -1 }, 'defaultMaxRetries'],
    ['defaultMaxRetries as text', { defaultMaxRetries: '3' }, 'defaultMaxRetries'],
    ['prefetchMultiplier', { prefetchMultiplier: 0 }, 'prefetchMultiplier'],
    ['resultTtl', { resultTtl: 'a day' }, 'resultTtl'],
    ['worker', { worker: 'yes' }, 'worker'],
    ['concurrency', { worker: { concurrency: 0 } }, 'worker.concurrency'],
    ['half a slot', { worker: { concurrency: 1.5 } }, 'worker.concurrency'],
    ['no queue', { worker: { queues: [] } }, 'worker.queues'],
    ['queues as text', { worker: { queues: 'a' } }, 'worker.queues'],
    ['a blank queue', { worker: { queues: ['a', ' '] } }, 'worker.queues[1]'],
    ['visibilityTimeout', { worker: { visibilityTimeout: '1ms' } }, 'worker.visibilityTimeout'],
    ['beat', { beat: 'no' }, 'beat'],
    ['monitor', { monitor: 'no' }, 'monitor'],
    ['telemetry', { telemetry: 'yes' }, 'telemetry'],
    ['flushInterval', { monitor: { flushInterval: 0 } }, 'monitor.flushInterval'],
    ['metricsKept', { monitor: { metricsKept: '2d' } }, 'monitor.metricsKept'],
    ['eventsKept', { monitor: { eventsKept: 1 } }, 'monitor.eventsKept'],
    ['metrics', { monitor: { metrics: 1 } }, 'monitor.metrics'],
    ['tasks', { tasks: ['email.send'] }, 'tasks[0]'],
    ['partitions', { partitions: 1_297 }, 'partitions'],
    ['limits', { limits: { argsBytes: 0 } }, 'limits.argsBytes'],
    ['onConnectFailure', { onConnectFailure: 'retry' }, 'onConnectFailure'],
    ['logger', { logger: { log: () => undefined } }, 'logger'],
    ['broker', { broker: 42 }, 'broker'],
    ['broker of null', { broker: null }, 'broker'],
    ['scheduleStore', { scheduleStore: 'postgres://db' }, 'scheduleStore'],
    ['a missing file', { tls: { caCert: '/nowhere/ca.pem' } }, 'tls.caCert'],
    ['half a key pair', { tls: { clientCert: '/nowhere/c.pem' } }, 'tls.clientKey'],
  ])('refuses a bad %s and names it', (_, options, option) => {
    const error = refusal(options);
    expect(error.option).toBe(option);
    expect(error.message).toMatch(/; expected /);
  });

  it.each<[object, string, string]>([
    [{ brokr: 'redis://h' }, 'brokr', "did you mean 'broker'"],
    [{ worker: { concurency: 2 } }, 'worker.concurency', "did you mean 'worker.concurrency'"],
    [{ monitor: { metric: true } }, 'monitor.metric', "did you mean 'monitor.metrics'"],
    [{ limits: { argBytes: 2 } }, 'limits.argBytes', "did you mean 'limits.argsBytes'"],
  ])('refuses the unknown option in %p with the nearest known one', (options, option, hint) => {
    const error = refusal(options);
    expect(error.option).toBe(option);
    expect(error.message).toContain(hint);
  });

  it('names the variable, not the option, when a URL came from the environment', () => {
    expect(refusal({ tls: { allowInsecure: true } }, { STEM_BROKER_URL: 'redis://h' }).option).toBe(
      'STEM_BROKER_URL',
    );
  });

  it('keeps definitions', () => {
    const SendEmail = defineTask('email.send');
    expect(resolveStemOptions({ tasks: [SendEmail] }, {}).tasks).toEqual([SendEmail]);
  });

  describe('broker', () => {
    it.each<[string, object]>([
      ['memory://', { kind: 'memory', sharedAs: undefined }],
      ['memory://tests', { kind: 'memory', sharedAs: 'tests' }],
      ['redis://h', { kind: 'redis', connection: { url: 'redis://h' } }],
      [
        'redis://user:pass@h:6380/2',
        { kind: 'redis', connection: { url: 'redis://user:pass@h:6380/2' } },
      ],
      ['rediss://h', { kind: 'redis', connection: { url: 'rediss://h' } }],
      [
        'redis+sentinel://user:p%40ss@h1:26380,h2/main/3',
        {
          kind: 'redis',
          connection: {
            options: {
              sentinels: [
                { host: 'h1', port: 26_380 },
                { host: 'h2', port: 26_379 },
              ],
              name: 'main',
              username: 'user',
              password: 'p@ss',
              db: 3,
            },
          },
        },
      ],
      [
        'redis+sentinel://[::1]:26379/main',
        {
          kind: 'redis',
          connection: { options: { sentinels: [{ host: '::1', port: 26_379 }], name: 'main' } },
        },
      ],
    ])('may be %s', (broker, expected) => {
      expect(resolveStemOptions({ broker }, {}).broker).toEqual(expected);
    });

    it('may be ioredis options, an ioredis instance or a broker', () => {
      const options = { host: 'h', port: 6379 };
      const client = { status: 'ready', duplicate: () => client, sendCommand: () => undefined };
      const instance = new MemoryBroker();
      expect(resolveStemOptions({ broker: options }, {}).broker).toEqual({
        kind: 'redis',
        connection: { options },
      });
      expect(resolveStemOptions({ broker: client }, {}).broker).toEqual({
        kind: 'redis',
        connection: { client },
      });
      expect(resolveStemOptions({ broker: instance }, {}).broker).toEqual({
        kind: 'instance',
        instance,
      });
    });

    it.each([
      'redis://',
      'redis://h/db',
      'redis://h:port',
      'redis+sentinel://h:1',
      'redis+sentinel://h:99999/main',
      'memory://a/b',
      'amqp://h',
      'localhost:6379',
      '',
    ])('may not be %p', (broker) => {
      expect(refusal({ broker }).option).toBe('broker');
    });

    it.each(['redis+cluster://h:7000', { isCluster: true, duplicate() {}, sendCommand() {} }])(
      'says that Redis Cluster is not available yet',
      (broker) => {
        expect(refusal({ broker }).message).toContain('not available in this version');
      },
    );

    it.each([
      'redis://user:hunter2@h/db',
      'redis://user:hun@ter2hunter2@h/db',
      `redis://user:${'x'.repeat(200)}hunter2@h/db`,
      'redis+sentinel://user:hunter2@h:1',
      'redis+cluster://user:hunter2@h:1',
      'rediss:/user:hunter2@h',
      'user:hunter2@h:6379',
      ':hunter2@h',
      'amqp://user:hunter2@h',
      'redis://h/db?password=hunter2',
    ])('shows no password in the error about %p', (broker) => {
      const { message } = refusal({ broker });
      expect(message).not.toMatch(/hunter2|ter2|xxx/);
    });

    it('shows no password of ioredis options', () => {
      class Options {
        password = 'hunter2';
      }
      expect(refusal({ broker: new Options() }).message).not.toContain('hunter2');
      expect(refusal({ brokr: { password: 'hunter2' } }).message).not.toContain('hunter2');
    });
  });
});
