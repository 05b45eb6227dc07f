import type { StemClient } from 'nestjs-stem';

export async function showKinds(stem: StemClient): Promise<void> {
  const letters = await stem.deadLetters.list({ queue: 'default', limit: 1000 });
  const kinds = new Map<string, number>();
  for (const { name, reason, error } of letters) {
    const kind = `${name}: ${reason}: ${error?.message}`;
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  }
  console.table([...kinds]);
}

export async function replayOutage(stem: StemClient, outageBegan: Date): Promise<void> {
  const outage = { queue: 'default', since: outageBegan };
  const { replayed } = await stem.deadLetters.replay({ ...outage, limit: 1 });
  for (const id of replayed) await stem.task(id).result({ timeout: '1m' }); // throws if it fails again
  await stem.deadLetters.replay({ ...outage, delay: '10s' });
  await stem.deadLetters.purge({ queue: 'default' }); // what died before the outage
}
