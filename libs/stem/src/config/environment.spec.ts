import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StemConfigError } from '../core/errors.js';
import { StemConfig, type Environment } from './environment.js';
import { resolveStemOptions } from './resolve-options.js';

const refusal = (env: Environment): StemConfigError => {
  try {
    StemConfig.fromEnvironment(env);
  } catch (error) {
    if (error instanceof StemConfigError) return error;
    throw error;
  }
  throw new Error('was not refused');
};

describe('StemConfig.fromEnvironment', () => {
  it('reads every variable', () => {
    expect(
      StemConfig.fromEnvironment({
        STEM_BROKER_URL: 'redis://h/0',
        STEM_RESULT_BACKEND_URL: 'redis://h/1',
        STEM_SCHEDULE_STORE_URL: 'redis://h/2',
        STEM_NAMESPACE: 'shop',
        STEM_DEFAULT_QUEUE: 'main',
        STEM_DEFAULT_MAX_RETRIES: '5',
        STEM_PREFETCH_MULTIPLIER: '4',
        STEM_RESULT_TTL: '2h',
        STEM_MONITOR: 'off',
        STEM_WORKER_QUEUES: 'a, b,c',
        STEM_WORKER_CONCURRENCY: '20',
        STEM_WORKER_NAME: 'worker-1',
        STEM_HEARTBEAT_INTERVAL: '5s',
        STEM_VISIBILITY_TIMEOUT: '60000',
      }),
    ).toEqual({
      broker: 'redis://h/0',
      resultBackend: 'redis://h/1',
      scheduleStore: 'redis://h/2',
      namespace: 'shop',
      defaultQueue: 'main',
      defaultMaxRetries: 5,
      prefetchMultiplier: 4,
      resultTtl: '2h',
      monitor: false,
      worker: {
        queues: ['a', 'b', 'c'],
        concurrency: 20,
        name: 'worker-1',
        heartbeatInterval: '5s',
        visibilityTimeout: 60_000,
      },
    });
  });

  it('takes unset and empty variables as not given', () => {
    const env = { STEM_BROKER_URL: '', STEM_RESULT_TTL: '  ', STEM_WORKER_QUEUES: undefined };
    expect(StemConfig.fromEnvironment(env)).toEqual({});
  });

  it.each<[string, string, RegExp]>([
    ['STEM_BROKER_URL', 'kafka://h', /'kafka:\/\/h'.*redis:\/\//],
    ['STEM_RESULT_BACKEND_URL', 'redis://', /host/],
    ['STEM_NAMESPACE', 'a{b}', /braces/],
    ['STEM_DEFAULT_QUEUE', 'a\tb', /control characters/],
    ['STEM_DEFAULT_MAX_RETRIES', 'many', /'many'.*whole number from 0/],
    ['STEM_DEFAULT_MAX_RETRIES', '1e3', /'1e3'/],
    ['STEM_PREFETCH_MULTIPLIER', '0', /from 1 to 100/],
    ['STEM_RESULT_TTL', 'a day', /'a day'.*'1d'/],
    ['STEM_WORKER_QUEUES', 'a,,b', /not blank/],
    ['STEM_WORKER_CONCURRENCY', '-1', /-1.*from 1 to/],
    ['STEM_MONITOR', 'maybe', /true or false/],
    ['STEM_HEARTBEAT_INTERVAL', '1', /at least 10ms/],
    ['STEM_VISIBILITY_TIMEOUT', '1', /at least 1s/],
    ['STEM_TLS_CA_CERT', '/nowhere/ca.pem', /ENOENT/],
    ['STEM_TLS_ALLOW_INSECURE', 'perhaps', /true or false/],
    ['STEM_TLS_CACERT', '/ca.pem', /did you mean 'STEM_TLS_CA_CERT'/],
  ])('refuses %s=%s and names it', (name, value, why) => {
    const error = refusal({ [name]: value });
    expect(error.option).toBe(name);
    expect(error.message).toMatch(why);
  });

  it('refuses signing settings instead of passing over them, and hides their value', () => {
    const error = refusal({ STEM_SIGNING_KEYS: 'k1:hunter2' });
    expect(error.option).toBe('STEM_SIGNING_KEYS');
    expect(error.message).toContain('signing is not available in this version');
    expect(error.message).not.toContain('hunter2');
  });

  describe('TLS', () => {
    let folder: string;
    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), 'stem-tls-'));
    });
    afterEach(() => rmSync(folder, { recursive: true }));

    it('makes options of the files that STEM_TLS_* name', () => {
      const file = (name: string): string => {
        writeFileSync(join(folder, name), `PEM of ${name}`);
        return join(folder, name);
      };
      const env = {
        STEM_BROKER_URL: 'rediss://h',
        STEM_TLS_CA_CERT: file('ca'),
        STEM_TLS_CLIENT_CERT: file('cert'),
        STEM_TLS_CLIENT_KEY: file('key'),
        STEM_TLS_ALLOW_INSECURE: 'true',
      };
      expect(resolveStemOptions({}, env).broker).toEqual({
        kind: 'redis',
        connection: {
          url: 'rediss://h',
          tls: {
            ca: 'PEM of ca',
            cert: 'PEM of cert',
            key: 'PEM of key',
            rejectUnauthorized: false,
          },
        },
      });
      expect(refusal({ STEM_TLS_CLIENT_CERT: env.STEM_TLS_CLIENT_CERT }).option).toBe(
        'STEM_TLS_CLIENT_KEY',
      );
    });
  });
});
