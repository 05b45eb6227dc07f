import { Redis } from 'ioredis';
import { createPayload } from '../payload.js';
import type { Contender } from './contender.js';

const STREAM = 'bench';
const GROUP = 'bench';
const COUNTER = 'bench:done';

/**
 * No queue at all: the fewest Redis commands that move a message from one process to another and do not
 * lose it. There are no states, results, retries, leases or limits, so no queue can be this fast; it
 * shows how much of the time is Redis and the driver.
 */
export const floor: Contender = {
  async openProducer({ url, load }) {
    const encode = (): string => JSON.stringify(createPayload(load.payloadBytes));
    const client = new Redis(url);
    await ensureGroup(client);
    const enqueueMany = async (count: number): Promise<void> => {
      const pipeline = client.pipeline();
      for (let i = 0; i < count; i++) pipeline.xadd(STREAM, '*', 'm', encode());
      await pipeline.exec();
    };
    return {
      enqueue: () => client.xadd(STREAM, '*', 'm', encode()),
      async enqueueConcurrently(count, inFlight) {
        for (let left = count; left > 0; left -= inFlight) {
          await enqueueMany(Math.min(left, inFlight));
        }
      },
      enqueueMany,
      async close() {
        await client.quit();
      },
    };
  },

  async openWorker({ url, concurrency, handler }) {
    const client = new Redis(url);
    await ensureGroup(client);
    let stopped = false;
    const loop = (async () => {
      let done: string[] = [];
      while (!stopped || done.length > 0) {
        const pipeline = client.pipeline();
        if (done.length > 0) {
          pipeline.xack(STREAM, GROUP, ...done);
          pipeline.xdel(STREAM, ...done);
          pipeline.incrby(COUNTER, done.length);
        }
        pipeline.xreadgroup(
          ...(['GROUP', GROUP, 'worker', 'COUNT', concurrency] as const),
          ...(['BLOCK', 20, 'STREAMS', STREAM, '>'] as const),
        );
        const replies = await pipeline.exec();
        const reply = replies?.at(-1)?.[1] as [string, [string, string[]][]][] | null | undefined;
        const entries = reply?.[0]?.[1] ?? [];
        for (const [, fields] of entries) {
          JSON.parse(fields[1] as string);
          await handler(true, STREAM);
        }
        done = entries.map(([id]) => id);
      }
    })();
    return {
      async close() {
        stopped = true;
        await loop;
        await client.quit();
      },
    };
  },

  async countSucceeded({ url }) {
    const client = new Redis(url);
    const done = await client.get(COUNTER);
    await client.quit();
    return Number(done);
  },
};

async function ensureGroup(client: Redis): Promise<void> {
  try {
    await client.xgroup('CREATE', STREAM, GROUP, '0', 'MKSTREAM');
  } catch (error) {
    if (!String(error).includes('BUSYGROUP')) throw error;
  }
}
