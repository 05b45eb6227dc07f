import { parseDuration, type Duration } from '../core/duration.js';
import { StemConfigError } from '../core/errors.js';
import { nearestNames } from '../core/names.js';
import { requireCount, requireName } from '../core/task-options.js';
import { LIMITS } from './limits.js';
import type { StemOptions, TlsFiles, WorkerOptions } from './stem-options.js';
import { readTarget } from './store-target.js';
import { readPem } from './tls.js';

/** Variables by name, as in `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>;

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

const TLS_VARIABLES = [
  'STEM_TLS_CA_CERT',
  'STEM_TLS_CLIENT_CERT',
  'STEM_TLS_CLIENT_KEY',
  'STEM_TLS_ALLOW_INSECURE',
];

/** Reads Stem's configuration from environment variables. */
export const StemConfig = {
  /**
   * The options that `STEM_*` variables give. A variable that is unset or empty gives none, so what is
   * returned can be spread into `StemModule.forRoot`.
   *
   * @param env default `process.env`.
   * @throws {StemConfigError} naming the variable, its value (unless secret) and what is accepted.
   */
  fromEnvironment(env: Environment = process.env): StemOptions {
    return new EnvironmentReader(env).read();
  },
} as const;

class EnvironmentReader {
  readonly #env: Environment;

  constructor(env: Environment) {
    this.#env = env;
  }

  read(): StemOptions {
    this.#refuseSigning();
    const options: Mutable<StemOptions> = {};
    const tls = this.#tls();
    if (tls) options.tls = tls;
    this.#read('STEM_BROKER_URL', (url, name) => (options.broker = checkUrl(url, name)));
    this.#read('STEM_RESULT_BACKEND_URL', (url, name) => {
      options.resultBackend = checkUrl(url, name);
    });
    this.#read('STEM_SCHEDULE_STORE_URL', (url, name) => {
      options.scheduleStore = checkUrl(url, name);
    });
    this.#read('STEM_NAMESPACE', (text, name) => (options.namespace = requireName(text, name)));
    this.#read('STEM_DEFAULT_QUEUE', (text, name) => {
      options.defaultQueue = requireName(text, name);
    });
    this.#read('STEM_DEFAULT_MAX_RETRIES', (text, name) => {
      options.defaultMaxRetries = count(text, name, LIMITS.maxRetries);
    });
    this.#read('STEM_PREFETCH_MULTIPLIER', (text, name) => {
      options.prefetchMultiplier = count(text, name, LIMITS.prefetchMultiplier);
    });
    this.#read('STEM_RESULT_TTL', (text, name) => (options.resultTtl = duration(text, name)));
    this.#read('STEM_MONITOR', (text, name) => (options.monitor = flag(text, name)));
    const worker = this.#worker();
    if (worker) options.worker = worker;
    return options;
  }

  #worker(): WorkerOptions | undefined {
    const worker: Mutable<WorkerOptions> = {};
    this.#read('STEM_WORKER_QUEUES', (text, name) => (worker.queues = queues(text, name)));
    this.#read('STEM_WORKER_CONCURRENCY', (text, name) => {
      worker.concurrency = count(text, name, LIMITS.concurrency);
    });
    this.#read('STEM_WORKER_NAME', (text, name) => (worker.name = requireName(text, name)));
    this.#read('STEM_HEARTBEAT_INTERVAL', (text, name) => {
      worker.heartbeatInterval = duration(text, name, LIMITS.heartbeatInterval);
    });
    this.#read('STEM_VISIBILITY_TIMEOUT', (text, name) => {
      worker.visibilityTimeout = duration(text, name, LIMITS.visibilityTimeout);
    });
    return Object.keys(worker).length ? worker : undefined;
  }

  #tls(): TlsFiles | undefined {
    for (const name of this.#names('STEM_TLS_')) {
      if (TLS_VARIABLES.includes(name)) continue;
      const [nearest] = nearestNames(name, TLS_VARIABLES, 1);
      throw new StemConfigError({
        option: name,
        value: this.#env[name],
        secret: true,
        expected:
          `not to be set: the TLS variables are ${TLS_VARIABLES.join(', ')}` +
          (nearest === undefined ? '' : ` (did you mean '${nearest}'?)`),
      });
    }
    const tls: Mutable<TlsFiles> = {};
    const file = (path: string, name: string): string => (readPem(path, name), path);
    this.#read('STEM_TLS_CA_CERT', (path, name) => (tls.caCert = file(path, name)));
    this.#read('STEM_TLS_CLIENT_CERT', (path, name) => (tls.clientCert = file(path, name)));
    this.#read('STEM_TLS_CLIENT_KEY', (path, name) => (tls.clientKey = file(path, name)));
    this.#read('STEM_TLS_ALLOW_INSECURE', (text, name) => (tls.allowInsecure = flag(text, name)));
    for (const [given, missing] of [
      ['STEM_TLS_CLIENT_CERT', 'STEM_TLS_CLIENT_KEY'],
      ['STEM_TLS_CLIENT_KEY', 'STEM_TLS_CLIENT_CERT'],
    ] as const) {
      if (this.#get(given) !== undefined && this.#get(missing) === undefined) {
        throw new StemConfigError({
          option: missing,
          expected: `the path of a PEM file, since ${given} is set`,
        });
      }
    }
    return Object.keys(tls).length ? tls : undefined;
  }

  /** A security setting that this version cannot honour must not be passed over in silence. */
  #refuseSigning(): void {
    const [name] = this.#names('STEM_SIGNING_');
    if (name === undefined) return;
    throw new StemConfigError({
      option: name,
      value: this.#env[name],
      secret: true,
      expected: 'not to be set: signing is not available in this version of nestjs-stem',
    });
  }

  #names(prefix: string): string[] {
    return Object.keys(this.#env).filter(
      (name) => name.startsWith(prefix) && this.#get(name) !== undefined,
    );
  }

  #get(name: string): string | undefined {
    return this.#env[name]?.trim() || undefined;
  }

  #read(name: string, use: (text: string, name: string) => void): void {
    const text = this.#get(name);
    if (text !== undefined) use(text, name);
  }
}

function checkUrl(url: string, name: string): string {
  readTarget(url, { option: name, tls: undefined });
  return url;
}

function count(text: string, name: string, [min, max]: readonly [number, number]): number {
  // A text that is no number goes into the error as it was written.
  return requireCount(/^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text, name, min, max);
}

function duration(text: string, name: string, minMs = 0): Duration {
  parseDuration(text, name, { minMs });
  // parseDuration counts a bare number as milliseconds, which the type wants as a number.
  return /^[\d.]+$/.test(text) ? Number(text) : (text as Duration);
}

function queues(csv: string, name: string): string[] {
  return csv
    .split(',')
    .map((queue) => queue.trim())
    .filter((queue, index, all) => queue !== '' || all.length === 1 || index < all.length - 1)
    .map((queue) => requireName(queue, name));
}

function flag(text: string, name: string): boolean {
  if (/^(true|1|yes|on)$/i.test(text)) return true;
  if (/^(false|0|no|off)$/i.test(text)) return false;
  throw new StemConfigError({ option: name, value: text, expected: 'true or false' });
}
