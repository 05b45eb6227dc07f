import type { StemClient } from 'nestjs-stem';

export async function lookAtDeadLetters(stem: StemClient, yesterday: Date): Promise<void> {
  const letters = await stem.deadLetters.list({ queue: 'default', since: yesterday, limit: 50 });
  for (const { id, name, reason } of letters) console.log(id, name, reason); // … retries-exhausted

  const letter = await stem.deadLetters.get('welcome-42');
  console.log(letter?.args, letter?.error?.message);
}

export async function startOver(stem: StemClient): Promise<void> {
  const plan = await stem.deadLetters.replay({ queue: 'default', limit: 100, dryRun: true });
  const done = await stem.deadLetters.replay({ ids: plan.replayed, delay: '1m' });
  console.log(done.replayed.length, 'again;', done.skipped.length, 'were no dead letters any more');
}

export async function forget(stem: StemClient): Promise<void> {
  const deleted = await stem.deadLetters.purge({ queue: 'default' });
  console.log(deleted, 'deleted');
}
