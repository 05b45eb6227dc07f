import { ResultTimeoutError, type StemClient, TaskFailedError } from 'nestjs-stem';

export async function waitFor(stem: StemClient, id: string): Promise<void> {
  const task = stem.task<{ messageId: string }>(id); // for any id, in any process; nothing is asked yet
  try {
    const { messageId } = await task.result({ timeout: '10s' });
    console.log('sent:', messageId);
  } catch (error) {
    if (error instanceof TaskFailedError) console.log('gave up:', error.cause);
    else if (error instanceof ResultTimeoutError) console.log('goes on:', error.taskId);
    else throw error;
  }
}

export async function lookAt(stem: StemClient, id: string): Promise<string> {
  const status = await stem.task(id).status();
  if (!status) return 'not known, or not any more';
  const { state, attempt, error, notBefore } = status;
  if (state !== 'retrying') return state;
  return `try ${attempt + 1} follows at ${notBefore?.toISOString()}, after: ${error?.message}`;
}

export async function listStuck(stem: StemClient): Promise<void> {
  const stuck = await stem.tasks.list({ state: 'running', queue: 'reports', limit: 20 });
  for (const { id, name, startedAt, worker } of stuck) console.log(id, name, startedAt, worker);
}

export async function withdraw(stem: StemClient, id: string): Promise<string> {
  const outcome = await stem.cancel(id, { reason: 'order withdrawn' });
  return outcome;
}
