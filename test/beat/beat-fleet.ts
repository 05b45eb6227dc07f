import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Broker, Delivery } from '../../libs/stem/src/broker/broker.js';

export interface BeatEnvironment {
  readonly brokerUrl: string;
  /** Default: beside the queues. */
  readonly schedulesUrl?: string | undefined;
  readonly namespace: string;
}

/** Beats in processes of their own, of the built library. */
export class BeatFleet {
  readonly #environment: BeatEnvironment;
  readonly #beats = new Set<ChildProcess>();

  constructor(environment: BeatEnvironment) {
    this.#environment = environment;
  }

  /** Starts one. Resolves when it looks for schedules. */
  async start({ clockSkewMs = 0 } = {}): Promise<ChildProcess> {
    const { brokerUrl, schedulesUrl, namespace } = this.#environment;
    const { PATH = '', STEM_TEST_RUN = '' } = process.env;
    const beat = fork(join(__dirname, 'beat-process.mjs'), {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      execArgv: [],
      env: {
        PATH,
        STEM_TEST_RUN,
        BEAT_BROKER_URL: brokerUrl,
        BEAT_NAMESPACE: namespace,
        BEAT_CLOCK_SKEW_MS: String(clockSkewMs),
        ...(schedulesUrl === undefined ? {} : { BEAT_SCHEDULES_URL: schedulesUrl }),
      },
    });
    this.#beats.add(beat);
    beat.once('exit', () => this.#beats.delete(beat));
    await once(beat, 'message');
    return beat;
  }

  /** Kills one of them, at whatever point it is, and starts another. */
  async killOne(): Promise<void> {
    const beats = [...this.#beats].filter((beat) => beat.connected);
    const beat = beats[Math.floor(Math.random() * beats.length)];
    if (!beat) return;
    const exit = once(beat, 'exit');
    beat.kill('SIGKILL');
    await exit;
    await this.start();
  }

  async killAll(): Promise<void> {
    await Promise.all(
      [...this.#beats].map((beat) => {
        const exit = once(beat, 'exit');
        beat.kill('SIGKILL');
        return exit;
      }),
    );
  }
}

/** Processor time of a Beat so far, in milliseconds. */
export async function cpuMsOf(beat: ChildProcess): Promise<number> {
  const reply = once(beat, 'message');
  beat.send('cpu');
  const [usage] = (await reply) as [NodeJS.CpuUsage];
  return (usage.user + usage.system) / 1_000;
}

/** What a tick's task says of itself. */
export interface SeenTick {
  readonly scheduleId: string;
  /** Milliseconds since 1970. */
  readonly scheduledFor: number;
  /** How long after it the task was accepted, by the server's clock. */
  readonly driftMs: number;
}

/** Takes every task of a queue as soon as it is there, and leaves no record of it. */
export class TickCounter {
  readonly seen: SeenTick[] = [];
  readonly #broker: Broker;
  #stopping = false;
  #running: Promise<void> | undefined;

  constructor(broker: Broker) {
    this.#broker = broker;
  }

  start(): this {
    this.#running = this.#run();
    return this;
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#running;
  }

  /** How often each tick was seen, by `schedule@time`. */
  counts(): Map<string, number> {
    const counts = new Map<string, number>();
    for (const { scheduleId, scheduledFor } of this.seen) {
      const key = `${scheduleId}@${scheduledFor}`;
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    return counts;
  }

  /** The drift below which a share of the ticks is. */
  drift(share: number): number {
    const sorted = this.seen.map(({ driftMs }) => driftMs).sort((a, b) => a - b);
    return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
  }

  async #run(): Promise<void> {
    const consumer = await this.#broker.openConsumer({
      worker: 'counter',
      queues: ['default'],
      leaseMs: 60_000,
    });
    while (!this.#stopping) {
      try {
        const claimed = await consumer.claim(500);
        if (claimed.outcome === 'lease-lost') throw new Error('The lease of the counter was lost');
        await Promise.all(
          claimed.deliveries.map(async (delivery) => {
            await consumer.complete(delivery, {
              result: undefined,
              startedAt: delivery.enqueuedAt,
              ttlMs: 0,
            });
            // Only now: what was not settled comes again, and would be counted twice.
            this.seen.push(tickOf(delivery));
          }),
        );
        if (claimed.deliveries.length === 0) await delay(50);
      } catch (error) {
        if (String(error).includes('lease')) throw error;
        await delay(50); // the server restarts
      }
    }
    await consumer.close();
  }
}

function tickOf({ envelope, enqueuedAt }: Delivery): SeenTick {
  const { 'stem.scheduleId': scheduleId, 'stem.scheduledFor': at } = envelope.meta;
  const scheduledFor = Date.parse(at as string);
  return {
    scheduleId: scheduleId as string,
    scheduledFor,
    driftMs: enqueuedAt - scheduledFor,
  };
}
