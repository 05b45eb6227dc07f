#!/usr/bin/env node
/**
 * `node tools/measure-isolation.mjs`: what isolation costs, on the built library and in memory.
 *
 * Main program and application in one: the threads load this file for its root module.
 */
import { mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isMainThread } from 'node:worker_threads';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { StemClient, StemModule, Task } from 'nestjs-stem';

const HARD_LIMIT_MS = 200;
const RUNS = 2_000;
const KILLS = 10;

class Tasks {
  inline(args) {
    return args;
  }
  isolated(args) {
    return args;
  }
  /** Blocks its thread, and writes down when it was last alive. */
  spin({ file }) {
    const descriptor = openSync(file, 'w');
    const started = Date.now();
    for (;;) writeSync(descriptor, `${started} ${Date.now()}`, 0);
  }
}
for (const [method, options] of [
  ['inline', {}],
  ['isolated', { isolate: true }],
  ['spin', { isolate: true, hardTimeLimit: HARD_LIMIT_MS, maxRetries: 0 }],
]) {
  const descriptor = Object.getOwnPropertyDescriptor(Tasks.prototype, method);
  Task(method, options)(Tasks.prototype, method, descriptor);
}

export class AppModule {}
const isolation = { module: import.meta.filename, threads: 1 };
const logger = Object.fromEntries(
  ['log', 'warn', 'error', 'debug'].map((name) => [name, () => {}]),
);
Module({
  imports: [StemModule.forRoot({ logger, worker: { concurrency: 1, isolation } })],
  providers: [Tasks],
})(AppModule);

if (isMainThread) await main();

async function main() {
  const rssBefore = process.memoryUsage().rss;
  const [app, bootMs] = await timed(() =>
    NestFactory.createApplicationContext(AppModule, { logger: false }),
  );
  const rssOfThread = process.memoryUsage().rss - rssBefore;
  const stem = app.get(StemClient);
  const run = async (name, args = { n: 1 }) => (await stem.enqueue(name, args)).result();

  for (const name of ['inline', 'isolated']) for (let i = 0; i < RUNS; i++) await run(name);
  const each = {};
  for (const name of ['inline', 'isolated', 'inline', 'isolated']) {
    const [, ms] = await timed(async () => {
      for (let i = 0; i < RUNS; i++) await run(name);
    });
    each[name] = Math.min(each[name] ?? Infinity, (ms / RUNS) * 1_000);
  }

  const folder = mkdtempSync(join(tmpdir(), 'stem-measure-'));
  const [settled, ended, fresh] = [[], [], []];
  for (let i = 0; i < KILLS; i++) {
    const file = join(folder, String(i));
    const task = await stem.enqueue('spin', { file });
    await task.result().catch(() => {});
    const settledAt = Date.now();
    const [, freshMs] = await timed(() => run('isolated'));
    const [started, lastAlive] = readFileSync(file, 'utf8').split(' ').map(Number);
    settled.push(settledAt - started - HARD_LIMIT_MS);
    ended.push(lastAlive - started - HARD_LIMIT_MS);
    fresh.push(freshMs);
  }
  rmSync(folder, { recursive: true, force: true });
  await app.close();

  console.log(`boot of application and first thread        ${bootMs.toFixed(0)} ms`);
  console.log(
    `memory of both                              ${(rssOfThread / 2 ** 20).toFixed(0)} MiB`,
  );
  console.log(`enqueue, run, await the result: inline      ${each.inline.toFixed(0)} µs`);
  console.log(`                                isolated    ${each.isolated.toFixed(0)} µs`);
  console.log(`after the hard limit: attempt settled       ${range(settled)} ms`);
  console.log(`                      thread last alive     ${range(ended)} ms`);
  console.log(`                      next task done        ${range(fresh)} ms`);
}

async function timed(action) {
  const from = performance.now();
  const value = await action();
  return [value, performance.now() - from];
}

function range(values) {
  const sorted = values.toSorted((a, b) => a - b).map(Math.round);
  return `${sorted[Math.floor(sorted.length / 2)]} (${sorted[0]} to ${sorted.at(-1)})`;
}
