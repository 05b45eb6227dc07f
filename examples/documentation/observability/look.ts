import type { StemClient } from 'nestjs-stem';

export async function look(stem: StemClient, signal: AbortSignal): Promise<void> {
  for (const { name, host, isAlive, running, concurrency } of await stem.workers.list()) {
    console.log(name, host, isAlive ? `${running} of ${concurrency}` : 'gone');
  }

  const { tasks, queues } = await stem.metrics({ window: '15m' });
  for (const { task, queue, succeeded, failed, runMs, waitMs } of tasks) {
    console.log(task, queue, succeeded, failed, `${runMs.p95} ms`, `waited ${waitMs.p95} ms`);
  }
  for (const { name, oldestReadyAgeMs = 0 } of queues) {
    if (oldestReadyAgeMs > 60_000) console.log(name, 'is behind');
  }

  const { healthy, checks } = await stem.health();
  console.log(healthy ? 'all is well' : checks.filter((check) => !check.healthy));

  for await (const event of stem.events.follow({ signal })) {
    console.log(event.at, event.type, event.task?.name, event.reason);
  }
}
