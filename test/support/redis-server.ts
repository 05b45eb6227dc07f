import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

export interface RedisServerOptions {
  /** Added after the defaults, so they win: `['--appendonly', 'yes']`. */
  args?: readonly string[];
  /** Makes it a Sentinel with this configuration. */
  sentinel?: string;
}

/** A private Redis: nothing else uses its port or its folder, and it never outlives this process. */
export interface RedisServer {
  readonly port: number;
  readonly dir: string;
  /** Of the current process; another one after `restart()`. */
  readonly pid: number;
  url(db?: number): string;
  /** Ends it in good order and removes its folder. */
  stop(): Promise<void>;
  /** Ends it with SIGKILL. The folder stays, so `restart()` finds what was persisted. */
  kill(): Promise<void>;
  /** Starts it again on the same port and folder, ending it in good order first if it still runs. */
  restart(): Promise<void>;
}

// Below the ephemeral range, so that no outgoing connection takes the port during a restart, and
// low enough for a cluster bus port (port + 10000).
const PORTS = { from: 20_000, to: 32_000 };
const START_ATTEMPTS = 5;
const START_TIMEOUT_MS = 10_000;
const STOP_TIMEOUT_MS = 5_000;
const POLL_MS = 10;

export async function startRedisServer(options: RedisServerOptions = {}): Promise<RedisServer> {
  const dir = await mkdtemp(join(tmpdir(), 'stem-redis-'));
  try {
    const args = [...(options.args ?? [])];
    let configFile: string | undefined;
    if (options.sentinel !== undefined) {
      // Sentinels keep what they learn in this file.
      configFile = join(dir, 'sentinel.conf');
      await writeFile(configFile, options.sentinel);
      args.push('--sentinel');
    }
    for (let attempt = 1; ; attempt++) {
      const server = new PrivateRedisServer(await freePort(), dir, args, configFile);
      try {
        await server.start();
        return server;
      } catch (error) {
        const portWasTaken = String(error).includes('Address already in use');
        if (!portWasTaken || attempt === START_ATTEMPTS) throw error;
      }
    }
  } catch (error) {
    await rm(dir, { recursive: true, force: true });
    throw error;
  }
}

class PrivateRedisServer implements RedisServer {
  private process: ChildProcess | undefined;
  private watchdog: ChildProcess | undefined;

  constructor(
    readonly port: number,
    readonly dir: string,
    private readonly args: readonly string[],
    private readonly configFile: string | undefined,
  ) {}

  get pid(): number {
    if (this.process?.pid === undefined) throw new Error('This redis-server is not running');
    return this.process.pid;
  }

  url(db = 0): string {
    return `redis://127.0.0.1:${this.port}/${db}`;
  }

  async start(): Promise<void> {
    const logFile = join(this.dir, 'redis.log');
    const log = openSync(logFile, 'w');
    const child = spawn('redis-server', [...this.defaultArgs(), ...this.args], {
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    try {
      await once(child, 'spawn');
    } catch (cause) {
      throw new Error('redis-server could not be started: is it installed?', { cause });
    }
    this.process = child;
    this.watchdog = watchOver(child, this.dir);
    // A forgotten stop() must not keep the test run from ending.
    child.unref();

    const deadline = Date.now() + START_TIMEOUT_MS;
    while (!(await answersPing(this.port))) {
      if (hasEnded(child) || Date.now() > deadline) {
        await this.kill();
        throw new Error(`redis-server did not start: ${await readFile(logFile, 'utf8')}`);
      }
      await delay(POLL_MS);
    }
    // A server of somebody else on this port would have answered in place of ours.
    if (hasEnded(child)) {
      await this.kill();
      throw new Error(`redis-server did not start: ${await readFile(logFile, 'utf8')}`);
    }
  }

  async stop(): Promise<void> {
    await this.end('SIGTERM');
    await rm(this.dir, { recursive: true, force: true });
  }

  async kill(): Promise<void> {
    await this.end('SIGKILL');
  }

  async restart(): Promise<void> {
    await this.end('SIGTERM');
    await this.start();
  }

  private defaultArgs(): string[] {
    return [
      ...(this.configFile === undefined ? [] : [this.configFile]),
      ...['--port', String(this.port), '--bind', '127.0.0.1', '--dir', this.dir],
      ...['--save', '', '--appendonly', 'no', '--loglevel', 'warning'],
      // The title would overwrite the environment by which leaked processes are recognised.
      ...['--set-proc-title', 'no'],
    ];
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    const { process: child, watchdog } = this;
    this.process = undefined;
    this.watchdog = undefined;
    if (child && !hasEnded(child)) {
      child.ref();
      const ended = once(child, 'exit');
      const impatience = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
      child.kill(signal);
      // A process stopped with SIGSTOP would never see the SIGTERM.
      child.kill('SIGCONT');
      await ended;
      clearTimeout(impatience);
    }
    // Only now: as long as the server runs, somebody has to watch over it.
    watchdog?.kill('SIGKILL');
  }
}

/**
 * Kills the server and removes its folder when this process ends, however it ends: the pipe to the
 * watchdog closes even on SIGKILL. (Inside Jest, `process.on('exit')` is never called.)
 */
function watchOver(server: ChildProcess, dir: string): ChildProcess {
  const script = `trap '' INT TERM HUP; read -r _; kill -9 ${server.pid}; rm -rf "$0"`;
  const watchdog = spawn('sh', ['-c', script, dir], {
    stdio: ['pipe', 'ignore', 'ignore'],
    // Not the environment of the tests: the search for leaked processes must leave it alone.
    env: { PATH: process.env.PATH },
  });
  watchdog.unref();
  return watchdog;
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

/** A port that nobody listens on now, far from those that the system hands out. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = PORTS.from + Math.floor(Math.random() * (PORTS.to - PORTS.from));
    const probe = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      probe.once('error', () => resolve(false));
      probe.listen(port, '127.0.0.1', () => resolve(true));
    });
    if (!isFree) continue;
    await new Promise((resolve) => probe.close(resolve));
    return port;
  }
}

/** Any reply in the protocol counts: with a password set, the answer to PING is an error. */
function answersPing(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const settle = (answered: boolean): void => {
      socket.destroy();
      resolve(answered);
    };
    socket.setTimeout(1_000, () => settle(false));
    socket.once('connect', () => socket.write('PING\r\n'));
    socket.once('data', (reply) => settle(/^(\+PONG|-NOAUTH)/.test(reply.toString())));
    socket.once('error', () => settle(false));
    socket.once('close', () => settle(false));
  });
}
