import type { ChildTaskOptions } from '../core/task-context.js';
import type { TaskDefinition } from '../core/define-task.js';
import type { Envelope } from '../core/envelope.js';
import type { StemClient } from './stem-client.js';
import type { TaskHandle } from './task-handle.js';

/** Names in `meta` by which a task tells where it came from. */
export const PARENT_TASK_ID = 'stem.parentTaskId';
export const ROOT_TASK_ID = 'stem.rootTaskId';

/**
 * Enqueues a task on behalf of a running one: it keeps the parent's headers, where it has none of its
 * own by that name, and names its parent and the root of the whole family in its `meta`.
 */
export async function enqueueChild(
  client: StemClient,
  parent: { readonly envelope: Pick<Envelope, 'id' | 'headers' | 'meta'> },
  task: string | { readonly name: string },
  args?: unknown,
  options: ChildTaskOptions = {},
): Promise<TaskHandle> {
  const { id, headers, meta } = parent.envelope;
  return client.enqueue(task as TaskDefinition, args, {
    ...options,
    headers: { ...headers, ...options.headers },
    meta: {
      ...options.meta,
      [PARENT_TASK_ID]: id,
      [ROOT_TASK_ID]: meta[ROOT_TASK_ID] ?? id,
    },
  });
}
