import { setTimeout as delay } from 'node:timers/promises';
import { RedisBroker } from '../../libs/stem/src/broker/redis/redis-broker.js';
import { RedisScheduleStore } from '../../libs/stem/src/broker/redis/redis-schedule-store.js';
import type { ScheduleStore } from '../../libs/stem/src/broker/schedule-store.js';
import { StemClient } from '../../libs/stem/src/client/stem-client.js';
import { SignalBus } from '../../libs/stem/src/core/signals.js';
import { resolveTaskOptions } from '../../libs/stem/src/core/task-options.js';
import { TaskRegistry } from '../../libs/stem/src/core/task-registry.js';
import { type RedisServer, startRedisServer } from '../support/redis-server.js';
import { freshNamespace, RememberingLogger } from '../support/stem.js';
import { BeatFleet, cpuMsOf, TickCounter } from './beat-fleet.js';

/** `npm run test:beat` takes a minute and asks for the drift of an idle machine. */
const IS_LONG = process.env.STEM_BEAT_SECONDS !== undefined;
const SECONDS = Number(process.env.STEM_BEAT_SECONDS ?? 10);
const KILL_EVERY_MS = IS_LONG ? 3_000 : 2_000;
/** Half the machine belongs to other tests in the short form. */
const DRIFT_P99_MS = IS_LONG ? 150 : 1_500;
/** In another database a tick takes two round trips more. */
const DRIFT_P99_APART_MS = 2 * DRIFT_P99_MS;
const SCHEDULES = 200;
/** Seconds until every tick has come, whoever had it when it was killed. */
const SETTLING_MS = 20_000;

interface Stage {
  readonly server: RedisServer;
  readonly broker: RedisBroker;
  readonly store: ScheduleStore;
  readonly client: StemClient;
  readonly fleet: BeatFleet;
  readonly counter: TickCounter;
}

const open: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

async function stageOf({ apart = false, args = [] as string[] } = {}): Promise<Stage> {
  const server = await startRedisServer({ args });
  open.push(() => server.stop());
  const namespace = freshNamespace();
  const broker = new RedisBroker({ connection: { url: server.url() }, namespace });
  await broker.connect();
  open.push(() => broker.close());
  let store: ScheduleStore = broker.schedules;
  if (apart) {
    store = new RedisScheduleStore({ connection: { url: server.url(2) }, namespace });
    await store.connect();
    open.push(() => store.close());
  }
  const registry = new TaskRegistry();
  for (const name of ['tick', 'quiet']) {
    const options = resolveTaskOptions({}, name);
    registry.register({ name, options, place: name, invoke: undefined });
  }
  const client = new StemClient({
    broker,
    scheduleStore: store,
    registry,
    signals: new SignalBus(new RememberingLogger()),
    rules: {
      defaultQueue: 'default',
      allowUnknownTasks: false,
      partitions: 1,
      limits: { argsBytes: 10_000, headersBytes: 1_000 },
      resultTtlMs: 60_000,
    },
  });
  const fleet = new BeatFleet({
    brokerUrl: server.url(),
    schedulesUrl: apart ? server.url(2) : undefined,
    namespace,
  });
  open.push(() => fleet.killAll());
  const counter = new TickCounter(broker).start();
  open.push(() => counter.stop());
  return { server, broker, store, client, fleet, counter };
}

/** Schedules due in every second of a period, by intervals and cron alike. */
async function dueEverySecond(
  { client, store }: Stage,
  options: { count: number; seconds: number; inMs: number },
): Promise<{ expected: Set<string>; endAt: number }> {
  const { count, seconds, inMs } = options;
  const startAt = Math.ceil(((await store.now()) + inMs) / 1_000) * 1_000;
  const endAt = startAt + (seconds - 1) * 1_000;
  const expected = new Set<string>();
  await Promise.all(
    Array.from({ length: count }, async (_, n) => {
      const id = `s${n}`;
      await client.schedules.upsert({
        id,
        task: n % 3 === 0 ? 'quiet' : 'tick',
        spec: n % 2 === 0 ? 'every:1s' : '* * * * * *',
        startAt,
        endAt,
        misfire: 'all',
      });
      for (let at = startAt; at <= endAt; at += 1_000) expected.add(`${id}@${at}`);
    }),
  );
  return { expected, endAt };
}

/** Waits until as many ticks were seen as are expected, or long enough. */
async function settled({ counter }: Stage, expected: ReadonlySet<string>): Promise<void> {
  const deadline = performance.now() + SETTLING_MS;
  while (counter.seen.length < expected.size && performance.now() < deadline) await delay(50);
  // Some time more for any that come twice.
  await delay(500);
}

function expectEachOnce({ counter }: Stage, expected: ReadonlySet<string>): void {
  const counts = counter.counts();
  const missing = [...expected].filter((tick) => !counts.has(tick));
  const doubled = [...counts].filter(([, count]) => count > 1).map(([tick]) => tick);
  const unexpected = [...counts.keys()].filter((tick) => !expected.has(tick));
  expect({ missing, doubled, unexpected }).toEqual({ missing: [], doubled: [], unexpected: [] });
}

describe.each([
  ['beside the queues', false],
  ['in another database', true],
])('five Beats on schedules %s, killed at random', (_, apart) => {
  it(
    'carry out each tick exactly once, in time',
    async () => {
      const seconds = apart && !IS_LONG ? Math.ceil(SECONDS / 2) : SECONDS;
      const stage = await stageOf({ apart });
      await Promise.all(Array.from({ length: 5 }, () => stage.fleet.start()));
      const { expected, endAt } = await dueEverySecond(stage, {
        count: SCHEDULES,
        seconds,
        inMs: 2_000,
      });

      let kills = 0;
      while ((await stage.store.now()) < endAt) {
        await delay(KILL_EVERY_MS * (0.5 + Math.random()));
        await stage.fleet.killOne();
        kills++;
      }
      await settled(stage, expected);

      expectEachOnce(stage, expected);
      expect(kills).toBeGreaterThan(0);
      const { counter } = stage;
      const drift = { p50: counter.drift(0.5), p99: counter.drift(0.99), most: counter.drift(1) };
      console.info(
        `${counter.seen.length} ticks, ${kills} Beats killed, drift in ms: ${JSON.stringify(drift)}`,
      );
      expect(drift.p50).toBeGreaterThanOrEqual(0);
      expect(drift.p99).toBeLessThan(apart ? DRIFT_P99_APART_MS : DRIFT_P99_MS);
    },
    (SECONDS + 60) * 1_000,
  );
});

describe('a Redis that is killed and comes back with its append-only file', () => {
  it.each([
    ['beside the queues', false],
    ['in another database', true],
  ])('loses and doubles no tick of schedules %s', async (_, apart) => {
    const stage = await stageOf({
      apart,
      args: ['--appendonly', 'yes', '--appendfsync', 'always'],
    });
    await Promise.all([stage.fleet.start(), stage.fleet.start()]);
    const { expected } = await dueEverySecond(stage, { count: 20, seconds: 5, inMs: 1_000 });

    await delay(2_300);
    await stage.server.kill();
    await delay(700);
    await stage.server.restart();
    await settled(stage, expected);

    expectEachOnce(stage, expected);
  });
});

describe('Beats whose clocks are five minutes apart', () => {
  it('carry out each tick once, and none before its time', async () => {
    const stage = await stageOf();
    await Promise.all([-150_000, 150_000].map((clockSkewMs) => stage.fleet.start({ clockSkewMs })));
    const { expected } = await dueEverySecond(stage, { count: 50, seconds: 4, inMs: 500 });
    await settled(stage, expected);

    expectEachOnce(stage, expected);
    expect(Math.min(...stage.counter.seen.map(({ driftMs }) => driftMs))).toBeGreaterThanOrEqual(0);
  });
});

describe('ten thousand schedules', () => {
  it('cost an idle Beat next to nothing, and a tick as much as what is due', async () => {
    const stage = await stageOf();
    const { client, server, store } = stage;
    const costOfRound = async (): Promise<number> => {
      // Dearest in the script is what is read; a hundred looks make up for chance.
      const from = performance.now();
      for (let n = 0; n < 100; n++) await store.due({ offset: 0, limit: 200 });
      return performance.now() - from;
    };
    const add = (from: number, to: number): Promise<unknown> =>
      Promise.all(
        Array.from({ length: to - from }, (_, n) =>
          client.schedules.upsert({ id: `s${from + n}`, task: 'tick', spec: 'every:1h' }),
        ),
      );
    await add(0, 1_000);
    await costOfRound();
    const small = Math.min(await costOfRound(), await costOfRound(), await costOfRound());
    for (let from = 1_000; from < 10_000; from += 1_000) await add(from, from + 1_000);
    const large = Math.min(await costOfRound(), await costOfRound(), await costOfRound());
    // Ten times as many exist, none of them due. A look at all would take ten times as long.
    expect(large).toBeLessThan(4 * small);

    const beat = await stage.fleet.start();
    await delay(1_000);
    const [before, from] = [await cpuMsOf(beat), performance.now()];
    await delay(3_000);
    const share = ((await cpuMsOf(beat)) - before) / (performance.now() - from);

    // One in a hundred of them due in a second.
    const dueAt = (await store.now()) + 1_000;
    await Promise.all(
      Array.from({ length: 100 }, (_, n) =>
        client.schedules.upsert({ id: `s${n * 100}`, task: 'tick', spec: { at: dueAt } }),
      ),
    );
    const expected = new Set(Array.from({ length: 100 }, (_, n) => `s${n * 100}@${dueAt}`));
    await settled(stage, expected);
    expectEachOnce(stage, expected);
    console.info(
      `idle Beat: ${(100 * share).toFixed(2)} % of a core; a look: ${(small / 100).toFixed(2)} ms with ` +
        `1,000 schedules, ${(large / 100).toFixed(2)} ms with 10,000; drift of 100 in one second: ` +
        `p99 ${stage.counter.drift(0.99)} ms`,
    );
    expect(share).toBeLessThan(0.02);
    expect(server.pid).toBeGreaterThan(0);
  }, 60_000);
});
