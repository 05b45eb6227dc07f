import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type INestApplicationContext, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Redis } from 'ioredis';
import { type Duration, StemClient, StemModule, Task, type TlsFiles } from 'nestjs-stem';
import { freePort, type RedisServer, startRedisServer } from '../support/redis-server.js';
import { freshNamespace } from '../support/stem.js';

/*
 * A private Redis with a certificate of its own. What long calls and large values are written as is up to the
 * library, and a TLS socket takes it in another way than a plain one.
 */

const run = promisify(execFile);

let server: RedisServer;
let admin: Redis;
let dir: string;
let tlsPort: number;

const file = (name: string): string => join(dir, name);

async function makeCertificate(name: string): Promise<void> {
  await run('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-noenc'],
    ...['-keyout', file(`${name}.key`), '-out', file(`${name}.pem`), '-days', '2'],
    ...['-subj', `/CN=${name}`, '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'],
  ]);
}

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'stem-tls-'));
  await Promise.all([makeCertificate('server'), makeCertificate('stranger')]);
  server = await startRedisServer();
  admin = new Redis(server.url());
  await admin.config('SET', 'tls-auth-clients', 'no');
  await showCertificate('server');
  tlsPort = await freePort();
  await admin.config('SET', 'tls-port', tlsPort);
});

function showCertificate(name: string): Promise<unknown> {
  return admin.call(
    ...['CONFIG', 'SET'],
    ...['tls-cert-file', file(`${name}.pem`)],
    ...['tls-key-file', file(`${name}.key`)],
    ...['tls-ca-cert-file', file('server.pem')],
  );
}

afterAll(async () => {
  admin.disconnect();
  await server.stop();
  await rm(dir, { recursive: true });
});

afterEach(() => admin.config('SET', 'tls-auth-clients', 'no'));

interface EchoArgs {
  readonly text: string;
}

function open(
  tls: TlsFiles | undefined,
  connectTimeout: Duration = '1s',
): Promise<INestApplicationContext> {
  class Tasks {
    @Task('echo')
    echo({ text }: EchoArgs): string {
      return text;
    }
  }

  @Module({
    imports: [
      StemModule.forRoot({
        broker: `rediss://localhost:${tlsPort}`,
        namespace: freshNamespace(),
        connectTimeout,
        ...(tls === undefined ? {} : { tls }),
      }),
    ],
    providers: [Tasks],
  })
  class AppModule {}

  return NestFactory.createApplicationContext(AppModule, { logger: false, abortOnError: false });
}

/** Enqueues texts one by one and all in one call; what comes back must be what was sent. */
async function echo(tls: TlsFiles | undefined, texts: readonly string[]): Promise<void> {
  const app = await open(tls);
  try {
    const client = app.get(StemClient);
    const single = await Promise.all(texts.map((text) => client.enqueue('echo', { text })));
    const batch = await client.enqueueMany(texts.map((text) => ({ task: 'echo', args: { text } })));
    const results = await Promise.all(
      [...single, ...batch].map((handle) => handle.result({ timeout: '10s' })),
    );
    expect(results).toEqual([...texts, ...texts]);
  } finally {
    await app.close();
  }
}

const FEW = ['one', 'é漢🙂'];

describe('over TLS', () => {
  it('short and long calls, large values and staged batches arrive as they were sent', async () => {
    const many = Array.from({ length: 1_200 }, (_, n) => `${n} é漢🙂`);
    await echo({ caCert: file('server.pem') }, [...many, 'é漢🙂'.repeat(10_000), '']);
  });

  it('a certificate that nobody here trusts ends the boot at once, and says what to do', async () => {
    // Longer than a test may take.
    const connectTimeout: Duration = '1m';
    await expect(open(undefined, connectTimeout)).rejects.toThrow(
      /cannot be reached \(self-signed certificate\)\. Set `tls\.caCert`/,
    );
    await expect(open({ caCert: file('stranger.pem') }, connectTimeout)).rejects.toThrow(
      /cannot be reached \(.*certificate.*\)\. Set `tls\.caCert`/,
    );
  });

  it('a running application waits when it meets a foreign certificate', async () => {
    const app = await open({ caCert: file('server.pem') });
    try {
      await showCertificate('stranger');
      await admin.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
      const enqueued = app.get(StemClient).enqueue('echo', { text: 'one' });
      await new Promise((resolve) => setTimeout(resolve, 300));
      await showCertificate('server');

      expect(await (await enqueued).result({ timeout: '10s' })).toBe('one');
    } finally {
      await showCertificate('server');
      await app.close();
    }
  });

  it('allowInsecure accepts any certificate', async () => {
    await echo({ allowInsecure: true }, FEW);
  });

  it('a server that asks for a certificate gets ours, and refuses who has none', async () => {
    await admin.config('SET', 'tls-auth-clients', 'yes');
    await expect(open({ caCert: file('server.pem') })).rejects.toThrow(/cannot be reached/);
    await echo(
      {
        caCert: file('server.pem'),
        clientCert: file('server.pem'),
        clientKey: file('server.key'),
      },
      FEW,
    );
  });
});
