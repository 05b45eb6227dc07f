import type { StemClient } from 'nestjs-stem';

export async function operate(stem: StemClient): Promise<void> {
  await stem.schedules.upsert({
    id: 'nightly',
    task: 'report.render',
    spec: '0 2 * * *',
    timezone: 'Europe/Berlin',
  });
  for (const { id, state, nextRunAt } of await stem.schedules.list()) {
    console.log(id, state, nextRunAt); // of one: get(id)
  }
  const nights = await stem.schedules.preview({ id: 'nightly' }, { count: 5 }); // or a spec
  console.log(nights);

  await stem.schedules.pause('nightly'); // until resume('nightly'), whatever deploys say
  const task = await stem.schedules.runNow('nightly'); // beside its ticks, also of a paused one
  console.log(await task.result());
  await stem.schedules.resume('nightly');
  await stem.schedules.remove('nightly');
}
