#!/usr/bin/env node
/**
 * `node tools/measure-monitor.mjs [rounds]`: what it costs that processes tell operators what they do.
 *
 * Runs the benchmark's own processes (build them with `npm run bench -- --help`), in turn with and without
 * the monitor, on a Redis of their own.
 */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import { startRedisServer } from '../apps/bench/dist/redis-server.js';

const ROUNDS = Number(process.argv[2] ?? 5);
const TASKS = 200_000;
const CONCURRENCY = 100;
const WARM_UP = 20_000;
const MONITOR = { on: 'true', off: 'false' };

const server = await startRedisServer();
const redis = new Redis(server.url);
const readings = { on: { worker: [], producer: [] }, off: { worker: [], producer: [] } };
try {
  for (let round = 0; round < ROUNDS; round++) {
    for (const monitor of round % 2 === 0 ? ['on', 'off'] : ['off', 'on']) {
      await redis.flushall();
      const job = { contender: 'stem', url: server.url };
      readings[monitor].producer.push(
        await run('producer', monitor, { ...job, mode: 'concurrent', tasks: TASKS, warmUp: 0 }),
      );
      readings[monitor].worker.push(
        await run('worker', monitor, {
          ...job,
          concurrency: CONCURRENCY,
          tasks: TASKS,
          warmUp: WARM_UP,
        }),
      );
    }
  }
} finally {
  redis.disconnect();
  await server.stop();
}

for (const kind of ['producer', 'worker']) {
  for (const [value, unit] of [
    ['clientCpuMicros', 'µs of client CPU per task'],
    ['redisCpuMicros', 'µs of Redis CPU per task'],
  ]) {
    // The least: whatever else the machine does, adds.
    const [on, off] = ['on', 'off'].map((monitor) =>
      Math.min(...readings[monitor][kind].map((reading) => reading[value])),
    );
    const difference = `${on >= off ? '+' : ''}${(on - off).toFixed(2)}`;
    console.log(`${kind}: ${off.toFixed(2)} off, ${on.toFixed(2)} on (${difference}) ${unit}`);
  }
}

function run(kind, monitor, job) {
  return new Promise((resolve, reject) => {
    const module = new URL(`../apps/bench/dist/${kind}-process.js`, import.meta.url);
    const child = fork(fileURLToPath(module), [JSON.stringify(job)], {
      env: { ...process.env, STEM_MONITOR: MONITOR[monitor] },
    });
    child.once('message', resolve);
    child.once('exit', (code) => reject(new Error(`${kind} ended with ${code}`)));
  });
}
