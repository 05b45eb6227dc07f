import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { endOnExit, onExit } from './on-exit.js';

const START_TIMEOUT_MS = 10_000;
const POLL_MS = 20;
const START_ATTEMPTS = 5;

/** A private Redis without persistence: nothing else uses its port or its folder. */
export interface RedisServer {
  readonly url: string;
  stop(): Promise<void>;
}

/** Starts the `redis-server` of the PATH on a free port, in a folder that {@link RedisServer.stop} removes. */
export async function startRedisServer(): Promise<RedisServer> {
  const folder = await mkdtemp(join(tmpdir(), 'stem-bench-'));
  const forget = onExit(() => rmSync(folder, { recursive: true, force: true }));
  const remove = (): Promise<void> => {
    forget();
    return rm(folder, { recursive: true, force: true });
  };
  try {
    for (let attempt = 1; ; attempt++) {
      const port = await freePort();
      const server = await spawnServer(port, folder);
      const url = `redis://127.0.0.1:${port}/0`;
      if (await isUp(server, url)) return { url, stop: () => stop(server).then(remove) };
      server.kill('SIGKILL');
      if (attempt === START_ATTEMPTS) throw new Error('redis-server did not start.');
    }
  } catch (error) {
    await remove();
    throw error;
  }
}

async function spawnServer(port: number, folder: string): Promise<ChildProcess> {
  const args = [
    ...['--port', String(port), '--bind', '127.0.0.1', '--dir', folder],
    ...['--save', '', '--appendonly', 'no', '--loglevel', 'warning'],
  ];
  const server = spawn('redis-server', args, { stdio: 'ignore' });
  try {
    await once(server, 'spawn');
  } catch (cause) {
    throw new Error('redis-server could not be started: is it installed?', { cause });
  }
  endOnExit(server, 'SIGKILL');
  return server;
}

async function isUp(server: ChildProcess, url: string): Promise<boolean> {
  const client = new Redis(url, { lazyConnect: true, retryStrategy: () => POLL_MS });
  client.on('error', () => undefined); // refused until the server listens
  try {
    const connected = client.ping().then(() => server.exitCode === null);
    const ended = once(server, 'exit').then(() => false);
    return await Promise.race([connected, ended, delay(START_TIMEOUT_MS, false)]);
  } finally {
    client.disconnect();
  }
}

async function stop(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const ended = once(server, 'exit');
  server.kill('SIGTERM');
  await ended;
}

async function freePort(): Promise<number> {
  const probe = createServer();
  probe.listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('There is no free port.');
  return address.port;
}
