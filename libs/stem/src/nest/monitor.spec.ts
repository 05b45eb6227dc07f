import { Injectable, Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { MemoryBroker } from '../broker/memory/memory-broker.js';
import { StemClient } from '../client/stem-client.js';
import type { StemOptions } from '../config/stem-options.js';
import { StemModule } from './stem.module.js';
import { StemWorkerHost } from './stem-worker-host.js';
import { Task } from './task.decorator.js';

@Injectable()
class Tasks {
  @Task('greet')
  greet(): string {
    return 'hello';
  }
}

/** Runs one task in an application, closes it, and tells what operators see then. */
async function seenAfter(monitor: StemOptions['monitor']) {
  const broker = new MemoryBroker();

  @Module({
    imports: [StemModule.forRoot({ broker, ...(monitor === undefined ? {} : { monitor }) })],
    providers: [Tasks],
  })
  class AppModule {}

  const module = await Test.createTestingModule({ imports: [AppModule] }).compile();
  module.useLogger(false);
  const app = await module.init();
  await (await app.get(StemClient).enqueue('greet')).result({ timeout: '5s' });
  const during = (await broker.monitor.processes()).processes.map(({ report }) => report.kind);
  const { worker } = app.get(StemWorkerHost, { strict: false });
  expect(worker?.health).toEqual({ status: 'healthy' });
  await app.close();
  const { minutes } = await broker.monitor.counts(0);
  const events = await broker.monitor.events({ limit: 100 });
  const after = (await broker.monitor.processes()).processes;
  await broker.close();
  return {
    during: during.sort(),
    after,
    fields: minutes.flatMap(({ counts }) => [...counts.keys()]).length,
    types: events.map(({ type }) => type).sort(),
  };
}

const EVENTS = [
  ...['beat-offline', 'beat-online', 'task-enqueued', 'task-started', 'task-succeeded'],
  ...['worker-offline', 'worker-online'],
];

it('tells operators everything by default, and what was last when it ends', async () => {
  const { during, after, fields, types } = await seenAfter(undefined);
  expect(during).toEqual(['beat', 'worker']);
  expect(after).toEqual([]);
  expect(fields).toBeGreaterThanOrEqual(5);
  expect(types).toEqual(EVENTS);
});

it('tells nothing when it is off', async () => {
  expect(await seenAfter(false)).toEqual({ during: [], after: [], fields: 0, types: [] });
});

it.each(['heartbeats', 'metrics', 'events'] as const)(
  'leaves out %s when told so',
  async (part) => {
    const { during, fields, types } = await seenAfter({ [part]: false });
    expect(during).toHaveLength(part === 'heartbeats' ? 0 : 2);
    expect(fields > 0).toBe(part !== 'metrics');
    expect(types).toEqual(part === 'events' ? [] : EVENTS);
  },
);
