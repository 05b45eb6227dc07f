import type { StemClient } from 'nestjs-stem';

export async function scheduleDigests(stem: StemClient): Promise<void> {
  await stem.schedules.upsert({ id: 'digest', task: 'email.digest', spec: 'every:6h' });
  for (const time of await stem.schedules.preview({ id: 'digest' }, { count: 3 }))
    console.log(time.toISOString());
  await stem.schedules.pause('digest');
}
