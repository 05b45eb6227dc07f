import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { type RedisServer, startRedisServer } from './redis-server.js';

/** A master and its replica, and three Sentinels that watch over them. */
export interface RedisPair {
  /** As an application names it, through its Sentinels. */
  readonly url: string;
  /** Changes with every failover. */
  readonly master: RedisServer;
  /** Changes with every failover; not running between {@link failOver} and {@link rejoin}. */
  readonly replica: RedisServer;
  readonly sentinels: readonly RedisServer[];
  /** Writes a key and deletes it again; resolves when the replica has that, and so all before it. */
  mark(key: string): Promise<void>;
  /**
   * Keeps from the replica what the master accepts from now on, as a slow network would, until
   * {@link failOver}.
   */
  holdReplication(): Promise<void>;
  /** Kills the master, and waits until the Sentinels have made the replica the master. */
  failOver(): Promise<void>;
  /** Starts the killed one again, as the replica; waits until it has everything and may be promoted. */
  rejoin(): Promise<void>;
  stop(): Promise<void>;
}

const MASTER_NAME = 'stem';
const SENTINELS = 3;
const QUORUM = 2;
/** A master that is silent for this long counts as down. */
const DOWN_AFTER_MS = 1_000;
/** No failover begins earlier than twice this long after the one before. */
const FAILOVER_TIMEOUT_MS = 3_000;
/**
 * A Sentinel that got no CPU time for 2 s does nothing for 30 s ("TILT mode" in its documentation), which a busy
 * machine brings about.
 */
const PATIENCE_MS = 60_000;
const POLL_MS = 50;

/** @param args given to both servers. */
export async function startRedisPair(args: readonly string[] = []): Promise<RedisPair> {
  // A replica would have to wait 5 s for others that might want the same copy.
  const all = [...args, '--repl-diskless-sync-delay', '0'];
  const pair = new PrivateRedisPair(
    await startRedisServer({ args: all }),
    await startRedisServer({ args: all }),
  );
  try {
    await pair.start();
    return pair;
  } catch (error) {
    await pair.stop();
    throw error;
  }
}

class PrivateRedisPair implements RedisPair {
  readonly sentinels: RedisServer[] = [];

  constructor(
    public master: RedisServer,
    public replica: RedisServer,
  ) {}

  get url(): string {
    const addresses = this.sentinels.map(({ port }) => `127.0.0.1:${port}`);
    return `redis+sentinel://${addresses.join(',')}/${MASTER_NAME}`;
  }

  async start(): Promise<void> {
    await this.#follow();
    const config = [
      `sentinel monitor ${MASTER_NAME} 127.0.0.1 ${this.master.port} ${QUORUM}`,
      `sentinel down-after-milliseconds ${MASTER_NAME} ${DOWN_AFTER_MS}`,
      `sentinel failover-timeout ${MASTER_NAME} ${FAILOVER_TIMEOUT_MS}`,
    ].join('\n');
    for (let count = 0; count < SENTINELS; count++) {
      this.sentinels.push(await startRedisServer({ sentinel: config }));
    }
    await this.#untilReadyToFailOver();
  }

  async mark(key: string): Promise<void> {
    await ask(this.master, async (master) => {
      await master.set(key, 'mark');
      await master.del(key);
      if ((await master.wait(1, PATIENCE_MS)) < 1) throw new Error('The replica does not follow');
    });
  }

  async holdReplication(): Promise<void> {
    await ask(this.replica, async (replica) => {
      // A password that the master does not know ends every attempt to connect again.
      await replica.config('SET', 'masterauth', 'held back');
      await replica.call('CLIENT', 'KILL', 'TYPE', 'master');
    });
  }

  async failOver(): Promise<void> {
    await this.master.kill();
    await ask(this.replica, (replica) => replica.config('SET', 'masterauth', ''));
    [this.master, this.replica] = [this.replica, this.master];
    await until('the replica is the master', async () => {
      const [role] = await ask(this.master, (server) => server.role());
      if (role !== 'master') return false;
      const named = await this.#askSentinels((sentinel) =>
        sentinel.call('SENTINEL', 'get-master-addr-by-name', MASTER_NAME),
      );
      return named.every((address) => (address as string[])[1] === String(this.master.port));
    });
  }

  async rejoin(): Promise<void> {
    await this.replica.restart();
    await this.#follow();
    await this.#untilReadyToFailOver();
  }

  async stop(): Promise<void> {
    // Sentinels first, or they would take the end of the master for its death.
    for (const server of [...this.sentinels, this.master, this.replica]) await server.stop();
  }

  async #follow(): Promise<void> {
    await ask(this.replica, async (replica) => {
      await replica.replicaof('127.0.0.1', this.master.port);
      await until('the replica has a copy', async () => {
        const info = await replica.info();
        // Its append-only file begins anew with the copy.
        return (
          info.includes('master_link_status:up') &&
          info.includes('aof_rewrite_in_progress:0') &&
          info.includes('aof_rewrite_scheduled:0')
        );
      });
    });
  }

  async #untilReadyToFailOver(): Promise<void> {
    await until('the Sentinels know each other and the replica', async () => {
      const known = await this.#askSentinels(async (sentinel) => [
        (await sentinel.call('SENTINEL', 'sentinels', MASTER_NAME)) as string[][],
        (await sentinel.call('SENTINEL', 'replicas', MASTER_NAME)) as string[][],
      ]);
      return known.every(
        ([others = [], replicas = []]) =>
          others.length === SENTINELS - 1 &&
          [...others, ...replicas].every((row) =>
            ['sentinel', 'slave'].includes(field(row, 'flags')),
          ) &&
          replicas.length === 1 &&
          field(replicas[0] ?? [], 'master-link-status') === 'ok' &&
          field(replicas[0] ?? [], 'master-port') === String(this.master.port),
      );
    });
  }

  #askSentinels<T>(question: (sentinel: Redis) => Promise<T>): Promise<T[]> {
    return Promise.all(this.sentinels.map((sentinel) => ask(sentinel, question)));
  }
}

function field(row: readonly string[], name: string): string {
  const at = row.indexOf(name);
  return at < 0 ? '' : (row[at + 1] ?? '');
}

/** Asks one server on a connection of its own: those that stay open end in a failover. */
async function ask<T>(server: RedisServer, question: (client: Redis) => Promise<T>): Promise<T> {
  const client = new Redis({
    port: server.port,
    host: '127.0.0.1',
    replyMapping: 'legacy',
    retryStrategy: null,
    enableReadyCheck: false,
  });
  client.on('error', () => undefined);
  try {
    return await question(client);
  } finally {
    client.disconnect();
  }
}

async function until(what: string, condition: () => Promise<boolean>): Promise<void> {
  let cause: unknown;
  for (const deadline = Date.now() + PATIENCE_MS; ; await delay(POLL_MS)) {
    try {
      if (await condition()) return;
    } catch (error) {
      cause = error;
    }
    if (Date.now() > deadline) throw new Error(`Waited in vain until ${what}`, { cause });
  }
}
