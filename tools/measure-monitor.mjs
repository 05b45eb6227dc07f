#!/usr/bin/env node
/**
 * `node tools/measure-monitor.mjs [redis-url]`: what the monitor alone costs, on the built library: the time
 * of this process per task, and that of Redis per flush. `npm run bench -- --only monitor` measures it as a
 * part of the whole, where it is hard to tell from the noise of the machine.
 *
 * Needs a Redis that nothing else uses.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { join } from 'node:path';
import { Redis } from 'ioredis';

const [url = 'redis://localhost:6399/0'] = process.argv.slice(2);
const dist = (path) =>
  import(pathToFileURL(join(import.meta.dirname, '../libs/stem/dist/esm', path)));
const { RedisBroker } = await dist('broker/redis/redis-broker.js');
const { TaskObservers } = await dist('core/task-observer.js');
const { Monitor } = await dist('monitor/monitor.js');
const { TaskRun } = await dist('worker/task-run.js');

const FLUSH_MS = 2_000;
const FLUSHES = 5;
const TASKS = 40_000;
const WARM_UP = 200_000;
const worker = { id: 'worker-abcdefgh', name: 'worker', queues: ['default'] };

const broker = new RedisBroker({ connection: { url }, namespace: `measure-${process.pid}` });
await broker.connect();
const redis = new Redis(url);
const observers = new TaskObservers(console);
const monitor = new Monitor({
  store: broker.monitor,
  observers,
  log: console,
  now: () => broker.now(),
  options: {
    heartbeats: false,
    metrics: true,
    events: true,
    flushIntervalMs: FLUSH_MS,
    metricsKeptMs: 3_600_000,
    eventsKept: 10_000,
    eventsPerSecond: 500,
  },
});

const runs = Array.from({ length: 1_000 }, (_, n) => {
  const delivery = {
    envelope: { id: `0-abcdefghijklmnopqr${n}`, name: 'noop', headers: {} },
    queue: 'default',
    attempt: 0,
    readyAt: broker.now() - n,
  };
  return new TaskRun(delivery, undefined, broker.now(), { maxRetries: 0 });
});
runTasks(WARM_UP);
enqueueTasks(WARM_UP);
await delay(1.5 * FLUSH_MS);

let runMicros = 0;
let enqueueMicros = 0;
const idle = await redisMillis(async () => {
  await delay(FLUSHES * FLUSH_MS);
});
const busy = await redisMillis(async () => {
  for (let flush = 0; flush < FLUSHES; flush++) {
    runMicros += cpuMicros(() => runTasks(TASKS));
    enqueueMicros += cpuMicros(() => enqueueTasks(TASKS));
    await delay(FLUSH_MS);
  }
});
const perFlush = (busy - idle) / FLUSHES;
console.log(`a worker: ${(runMicros / FLUSHES / TASKS).toFixed(2)} µs per task`);
console.log(`a client: ${(enqueueMicros / FLUSHES / TASKS).toFixed(2)} µs per task`);
console.log(`Redis: ${perFlush.toFixed(1)} ms per flush of a process at full load`);
await monitor.stop(1_000);
await broker.close();
redis.disconnect();

function runTasks(count) {
  for (let n = 0; n < count; n++) {
    const run = runs[n % runs.length];
    observers.started(run, worker);
    run.endedMonotonicMs = performance.now();
    observers.ended(run, worker, 'succeeded', undefined, undefined);
  }
}

function enqueueTasks(count) {
  for (let n = 0; n < count; n++) {
    observers.enqueued({ id: runs[0].id, name: 'noop', queue: 'default', attempt: 0, headers: {} });
  }
}

function cpuMicros(work) {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

async function redisMillis(work) {
  const read = async () => {
    const info = await redis.info('cpu');
    const [, system] = /used_cpu_sys:(\S+)/.exec(info);
    const [, user] = /used_cpu_user:(\S+)/.exec(info);
    return (Number(system) + Number(user)) * 1_000;
  };
  const before = await read();
  await work();
  return (await read()) - before;
}
