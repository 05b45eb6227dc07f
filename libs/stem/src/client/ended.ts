import type { ResultBackend, TaskRecord } from '../broker/broker.js';
import {
  StemConfigError,
  TaskCancelledError,
  type TaskCoordinates,
  TaskExpiredError,
  TaskFailedError,
  TaskNotFoundError,
} from '../core/errors.js';
import { reviveFailure } from '../core/failure.js';
import { readResult } from './task-status.js';

/**
 * What whoever waits for an ended task gets: its value, or an error that says how it ended.
 *
 * @throws {TaskFailedError} with the handler's error as `cause`.
 * @throws {TaskCancelledError} with the reason of the cancel in its message.
 * @throws {TaskExpiredError} when it was still waiting when its expiry came.
 * @throws {TaskNotFoundError} when it succeeded, but the result backend has forgotten the value.
 */
export async function outcomeOf(
  record: TaskRecord,
  resultBackend: ResultBackend | undefined,
): Promise<unknown> {
  const { id, name, queue, failure } = record;
  const where: TaskCoordinates = { taskId: id, taskName: name, queue };
  const task = `Task '${name}' (${id})`;
  switch (record.state) {
    case 'succeeded': {
      const kept = await readResult(record, resultBackend);
      if (kept.found) return kept.value;
      if (kept.why === 'forgotten') throw new TaskNotFoundError(id);
      throw new StemConfigError(
        {
          option: 'resultBackend',
          expected: `the result backend that the worker of ${task} uses, where its result is kept`,
        },
        where,
      );
    }
    case 'failed':
      throw new TaskFailedError(
        `${task} failed${record.reason === undefined ? '' : ` (${record.reason})`}` +
          (failure ? `: ${failure.name}: ${failure.message}` : '.'),
        { ...where, ...(failure ? { cause: reviveFailure(failure) } : {}) },
      );
    case 'cancelled':
      throw new TaskCancelledError(
        `${task} was cancelled${record.reason === undefined ? '.' : `: ${record.reason}`}`,
        where,
      );
    case 'expired':
      throw new TaskExpiredError(`${task} expired before a worker took it.`, where);
    case 'scheduled':
    case 'queued':
    case 'running':
    case 'retrying':
      // waitForEnd answered with a task that has not ended: a fault of the broker.
      throw new TypeError(`${task} was reported as ended while it is ${record.state}.`);
  }
}
