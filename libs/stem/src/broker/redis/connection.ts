import type { Redis, RedisOptions } from 'ioredis';
import {
  BrokerCommandError,
  BrokerFullError,
  BrokerTimeoutError,
  BrokerUnavailableError,
  hidePassword,
  StemClosedError,
  StemConfigError,
} from '../../core/errors.js';
import { Linked, LinkedSet } from '../../core/linked-set.js';
import type { TaskLogger } from '../../core/task-context.js';
import { BusyPoll } from './busy-poll.js';
import { breakOff, openClient, type RedisSource } from './client-factory.js';

/** How a connection behaves. */
export interface ConnectionOptions {
  readonly source: RedisSource;
  /** A call that has no answer after this long is rejected. Default 5 s. */
  readonly commandTimeoutMs?: number | undefined;
  /** Connecting at boot takes at most this long. Default 10 s. */
  readonly connectTimeoutMs?: number | undefined;
  /** `wait` keeps trying at boot, with a log line each time. Default `fail`. */
  readonly onConnectFailure?: 'fail' | 'wait' | undefined;
  readonly log?: TaskLogger | undefined;
}

const DEFAULT_COMMAND_TIMEOUT_MS = 5_000;
const DEFAULT_CONNECT_TIMEOUT_MS = 10_000;
/** Pause before a call is repeated. */
const PAUSE_MS = 50;
/** How often in its time limit it is looked whether a call has an answer. */
const LOOKS_PER_LIMIT = 10;

/**
 * A connection on which every call is bounded in time.
 *
 * A call made while the connection is down waits for it, within its time limit. One that was under way
 * when the connection broke is repeated, unless asked not to: every script may be. ioredis' own queue
 * and resending are off, because they would carry a call out long after it was reported as failed.
 */
export class RedisConnection {
  readonly #options: ConnectionOptions;
  readonly #commandTimeoutMs: number;
  readonly #connectTimeoutMs: number;
  readonly #busyPoll = new BusyPoll();
  #client: Redis | undefined;
  #closed = false;
  #lost = false;
  #lastError: Error | undefined;
  readonly #onReady = new Set<() => void>();
  readonly #onReconnected = new Set<() => void>();
  #wasReady = false;
  /** The oldest first: all have the same time limit. */
  readonly #underWay = new LinkedSet<CallUnderWay>();
  #silenceWatch: NodeJS.Timeout | undefined;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#commandTimeoutMs = options.commandTimeoutMs ?? DEFAULT_COMMAND_TIMEOUT_MS;
    this.#connectTimeoutMs = options.connectTimeoutMs ?? DEFAULT_CONNECT_TIMEOUT_MS;
  }

  /** Host, port and database, without user or password. */
  get description(): string {
    return describeSource(this.#options.source);
  }

  /**
   * Tells whenever there is a connection again. The server may have been restarted, or replaced by its
   * replica, and know less than it did.
   *
   * @returns a function that ends it.
   */
  onReconnected(listener: () => void): () => void {
    this.#onReconnected.add(listener);
    return () => this.#onReconnected.delete(listener);
  }

  get isReady(): boolean {
    return this.#client?.status === 'ready';
  }

  /**
   * Opens the connection and waits until the server answers.
   *
   * @throws {BrokerUnavailableError} when it does not within the connect time limit, or refuses us.
   */
  async connect(): Promise<void> {
    if (this.#closed) throw new StemClosedError('This Redis connection was closed.');
    this.#client ??= this.#open({ commandTimeout: this.#commandTimeoutMs });
    // One timer for all calls: one for each would be a good part of what a short call costs.
    this.#silenceWatch ??= setInterval(
      () => this.#endSilence(),
      Math.ceil(this.#commandTimeoutMs / LOOKS_PER_LIMIT),
    ).unref();
    for (;;) {
      try {
        await this.#whenReady(this.#connectTimeoutMs);
        return;
      } catch (error) {
        const waits = this.#options.onConnectFailure === 'wait' && !this.#isRefused;
        if (!waits || !(error instanceof BrokerUnavailableError)) {
          this.close();
          throw error;
        }
        this.#options.log?.warn(`${error.message} Waiting for it.`);
      }
    }
  }

  /**
   * Carries a call out.
   *
   * @param what names it in errors.
   * @param options see {@link RunOptions}.
   */
  async run<T>(
    what: string,
    call: (client: Redis) => Promise<T>,
    options: RunOptions = {},
  ): Promise<T> {
    const deadline = performance.now() + this.#commandTimeoutMs;
    const underWay = new CallUnderWay(deadline);
    let lost: Error | undefined;
    for (;;) {
      const client = this.#client;
      if (this.#closed || !client) {
        throw new StemClosedError(
          `Cannot ${what}: the connection to ${this.description} is closed.`,
        );
      }
      if (client.status !== 'ready') {
        try {
          await this.#whenReady(deadline - performance.now());
        } catch (error) {
          throw lost ? this.#timeout(what, lost) : error;
        }
      }
      this.#underWay.add(underWay);
      try {
        const answer = call(client);
        if (options.isAwaited) this.#busyPoll.keepAwakeFor(answer);
        return await answer;
      } catch (error) {
        const reply = withoutArguments(error as Error);
        if (this.#closed) {
          throw new StemClosedError(`Cannot ${what}: the connection was closed.`, { cause: reply });
        }
        if (isTimeout(reply)) {
          breakOff(client);
          throw this.#timeout(what, reply);
        }
        const notReady = isNotReady(reply);
        if (!notReady && !isConnectionLoss(reply)) {
          const refusal = `${this.description} refused to ${what}: ${hidePassword(reply.message)}`;
          throw isOutOfMemory(reply)
            ? new BrokerFullError(
                `${refusal.replace(/\.?$/, '.')} Make room, or raise its maxmemory, and try again.`,
                { cause: reply },
              )
            : new BrokerCommandError(refusal, { cause: reply });
        }
        lost = reply;
        if (options.repeat === false || performance.now() >= deadline)
          throw this.#timeout(what, reply);
      } finally {
        this.#underWay.delete(underWay);
      }
      // Also after a loss: the client may not have noticed yet, and would refuse the call at once.
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }

  /**
   * A second connection to the same server, for calls that block or listen. It has no time limit on
   * its commands; whoever uses it must bound them.
   */
  sibling(): Redis {
    return this.#open({});
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#silenceWatch);
    this.#client?.disconnect();
    for (const listener of this.#onReady) listener();
    this.#onReady.clear();
  }

  #open(overrides: RedisOptions): Redis {
    const client = openClient(this.#options.source, this.#connectTimeoutMs, overrides);
    client.on('error', (error: Error) => {
      this.#lastError = withoutArguments(error);
    });
    client.on('ready', () => {
      if (client !== this.#client) return;
      if (this.#lost) this.#options.log?.log(`Connected to ${this.description} again.`);
      this.#lost = false;
      this.#lastError = undefined;
      // Before anybody's call goes out on the new connection.
      if (this.#wasReady) for (const listener of this.#onReconnected) listener();
      this.#wasReady = true;
      for (const listener of this.#onReady) listener();
      this.#onReady.clear();
    });
    client.on('close', () => {
      if (client !== this.#client || this.#closed || this.#lost || client.status === 'connecting')
        return;
      this.#lost = true;
      this.#options.log?.warn(`Lost the connection to ${this.description}; reconnecting.`);
    });
    client.connect().catch(() => undefined); // reported by 'error', and tried again by ioredis
    return client;
  }

  /**
   * Breaks the connection off when a call has had no answer for its whole time limit; that rejects all that
   * are under way. A server that is silent and a network that drops everything look alike from here, and a
   * new connection helps against the latter.
   */
  #endSilence(): void {
    const { oldest } = this.#underWay;
    if (!oldest || performance.now() < oldest.deadline) return;
    // The event loop may have been blocked, and the answer be there, unread.
    setImmediate(() => {
      if (this.#underWay.has(oldest) && this.#client) breakOff(this.#client);
    });
  }

  #whenReady(limitMs: number): Promise<void> {
    if (this.isReady) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const done = (): void => {
        clearTimeout(timer);
        clearInterval(refusalCheck);
        this.#onReady.delete(done);
        if (this.isReady) resolve();
        else reject(this.#unavailable());
      };
      const timer = setTimeout(done, Math.max(limitMs, 0));
      // Neither a wrong password nor a foreign certificate gets better by waiting.
      const refusalCheck = setInterval(() => {
        if (this.#isRefused) done();
      }, 50);
      this.#onReady.add(done);
    });
  }

  /** Whether to go on waiting is in vain. */
  get #isRefused(): boolean {
    if (isRefusal(this.#lastError)) return true;
    // A server that was right before may be so again in a moment: its certificate is being renewed.
    return !this.#wasReady && isForeignCertificate(this.#lastError);
  }

  #unavailable(): Error {
    if (this.#closed)
      return new StemClosedError(`The connection to ${this.description} is closed.`);
    const why = this.#lastError ? ` (${hidePassword(this.#lastError.message)})` : '';
    const advice =
      isForeignCertificate(this.#lastError) && !this.#wasReady
        ? 'Set `tls.caCert` to the certificate of its authority, and connect by a name that its own is made out to.'
        : 'Check that it runs, and its URL and password.';
    return new BrokerUnavailableError(
      `Redis at ${this.description} cannot be reached${why}. ${advice}`,
      { cause: this.#lastError },
    );
  }

  #timeout(what: string, cause: Error): BrokerTimeoutError {
    return new BrokerTimeoutError(
      `${this.description} did not answer in time when asked to ${what} ` +
        `(limit ${this.#commandTimeoutMs} ms); whether it was done is unknown.`,
      { cause },
    );
  }
}

/**
 * Checks that the server can do what the scripts need.
 *
 * @throws {StemConfigError} when it is older than Redis 7.0 or part of a cluster.
 */
export async function checkServer(connection: RedisConnection, log?: TaskLogger): Promise<void> {
  const info = await connection.run('read its version', (client) => client.info());
  const version = /redis_version:(\d+)\.(\d+)[^\r\n]*/.exec(info);
  if (version && Number(version[1]) < 7) {
    throw new StemConfigError({
      option: 'broker',
      value: `Redis ${version[1]}.${version[2]} at ${connection.description}`,
      expected: 'Redis 7.0 or later',
    });
  }
  if (/cluster_enabled:1/.test(info)) {
    throw new StemConfigError({
      option: 'broker',
      value: `a Redis Cluster node at ${connection.description}`,
      expected: 'a single Redis or a pair behind Sentinel; Redis Cluster is not supported yet',
    });
  }
  const policy = /maxmemory_policy:(\S+)/.exec(info)?.[1];
  if (policy !== undefined && policy !== 'noeviction') {
    log?.warn(
      `Redis at ${connection.description} has maxmemory-policy '${policy}': it may delete tasks when ` +
        `memory runs out. Set it to 'noeviction'.`,
    );
  }
}

/** How a call is carried out. */
export interface RunOptions {
  /** `false` for a call that must not be sent twice. */
  readonly repeat?: boolean | undefined;
  /** Somebody can do nothing before the answer is there: it is worth some processor time to have it at once. */
  readonly isAwaited?: boolean | undefined;
}

class CallUnderWay extends Linked {
  /** @param deadline when it must have its answer, by the monotonic clock. */
  constructor(readonly deadline: number) {
    super();
  }
}

/**
 * ioredis attaches the call to its errors, with all arguments: a password, or what tasks are given. Whoever prints
 * one of our errors prints its cause.
 */
function withoutArguments(error: Error & { command?: { name?: string } }): Error {
  if (error.command) error.command = { name: error.command.name ?? '' };
  return error;
}

function isTimeout(error: Error): boolean {
  return error.message === 'Command timed out';
}

function isConnectionLoss(error: Error): boolean {
  return (
    error.message.includes('Connection is closed') ||
    error.message.includes('max retries per request') ||
    error.message.includes("Stream isn't writeable") ||
    /\b(ECONNRESET|EPIPE|ECONNREFUSED|ETIMEDOUT)\b/.test(error.message)
  );
}

/**
 * Answers of a server that starts, fails over, runs something else, or has fewer replicas than its
 * `min-replicas-to-write` asks for; nothing was carried out.
 */
function isNotReady(error: Error): boolean {
  return /^(LOADING|READONLY|MASTERDOWN|NOREPLICAS|TRYAGAIN|BUSY)\b/.test(error.message);
}

function isRefusal(error: Error | undefined): boolean {
  return (
    error !== undefined &&
    /\b(WRONGPASS|NOAUTH|NOPERM|ERR invalid DB|ERR DB index)\b/.test(error.message)
  );
}

/** Redis is beyond its `maxmemory` and may evict nothing. */
function isOutOfMemory(error: Error): boolean {
  return error.message.startsWith('OOM ');
}

/**
 * Errors of Node about a certificate that nobody here trusts, or that is made out to another name (nodejs.org/api,
 * "X509 certificate error codes" of `tls`). One that is too old is not among them: it may be renewed before long.
 */
const FOREIGN_CERTIFICATE: ReadonlySet<unknown> = new Set([
  'CERT_REJECTED',
  'CERT_UNTRUSTED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'HOSTNAME_MISMATCH',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

function isForeignCertificate(error: Error | undefined): boolean {
  return FOREIGN_CERTIFICATE.has((error as NodeJS.ErrnoException | undefined)?.code);
}

function describeSource(source: RedisSource): string {
  // A blank would end the URL, as far as can be told of one in a text, and show the rest of a password.
  if ('url' in source) return hidePassword(source.url.replaceAll(/\s/g, '%20'));
  const options = 'client' in source ? source.client.options : source.options;
  if (options.sentinels?.length) return `redis+sentinel://${options.name}/${options.db ?? 0}`;
  if (options.path) return `${options.path} (db ${options.db ?? 0})`;
  return `redis://${options.host ?? 'localhost'}:${options.port ?? 6379}/${options.db ?? 0}`;
}
