import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { type RedisServer, type RedisServerOptions, startRedisServer } from './redis-server.js';

describe('startRedisServer', () => {
  const servers: RedisServer[] = [];
  const clients: Redis[] = [];

  async function start(options?: RedisServerOptions): Promise<RedisServer> {
    const server = await startRedisServer(options);
    servers.push(server);
    return server;
  }

  function connect(server: RedisServer, db?: number): Redis {
    const client = new Redis(server.url(db), { lazyConnect: false, retryStrategy: () => 10 });
    client.on('error', () => undefined);
    clients.push(client);
    return client;
  }

  afterEach(async () => {
    for (const client of clients.splice(0)) client.disconnect();
    for (const server of servers.splice(0)) await server.stop();
  });

  it('serves each caller from a port and a folder of its own', async () => {
    const [one, other] = await Promise.all([start(), start()]);

    await connect(one).set('key', 'value');

    expect(await connect(other).get('key')).toBeNull();
    expect(one.port).not.toBe(6379);
    expect(one.dir).not.toBe(other.dir);
  });

  it('names its databases in the URL', async () => {
    const server = await start();

    await connect(server, 1).set('key', 'in one');

    expect(await connect(server, 0).get('key')).toBeNull();
    expect(await connect(server, 1).get('key')).toBe('in one');
  });

  it('leaves neither a process nor a folder behind after stop', async () => {
    const server = await start();
    const { pid, dir } = server;

    await server.stop();

    expect(isRunning(pid)).toBe(false);
    expect(existsSync(dir)).toBe(false);
  });

  it('comes back empty on the same port after kill and restart', async () => {
    const server = await start();
    const { pid, port } = server;
    const client = connect(server);
    await client.set('key', 'value');

    await server.kill();
    await server.restart();

    expect(server.pid).not.toBe(pid);
    expect(server.port).toBe(port);
    expect(await client.get('key')).toBeNull();
  });

  it('keeps what was persisted over kill and restart', async () => {
    const server = await start({ args: ['--appendonly', 'yes', '--appendfsync', 'always'] });
    const client = connect(server);
    await client.set('key', 'value');

    await server.kill();
    await server.restart();

    expect(await client.get('key')).toBe('value');
  });

  it('reports why the server did not start', async () => {
    await expect(start({ args: ['--no-such-option', 'yes'] })).rejects.toThrow(/no-such-option/);
  });

  it('ends with the process that started it, even on SIGKILL', async () => {
    const owner = spawn(
      process.execPath,
      ['-e', ownerSource(), require.resolve('./redis-server.ts')],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    const [output] = (await once(owner.stdout, 'data')) as [Buffer];
    const { pid, dir } = JSON.parse(output.toString()) as { pid: number; dir: string };
    expect(isRunning(pid)).toBe(true);

    owner.kill('SIGKILL');

    await until(() => !isRunning(pid) && !existsSync(dir));
  });
});

/** A process of its own that compiles the module under test, starts a server, and waits. */
function ownerSource(): string {
  const swc = createRequire(__filename).resolve('@swc/core');
  return `
    const { code } = require(${JSON.stringify(swc)}).transformFileSync(process.argv[1], {
      jsc: { parser: { syntax: 'typescript' }, target: 'es2022' },
      module: { type: 'commonjs' },
    });
    const compiled = { exports: {} };
    new Function('require', 'module', 'exports', code)(require, compiled, compiled.exports);
    compiled.exports.startRedisServer().then(({ pid, dir }) => {
      console.log(JSON.stringify({ pid, dir }));
      setInterval(() => {}, 1000);
    });
  `;
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error('The condition was not met in time');
    await delay(10);
  }
}
