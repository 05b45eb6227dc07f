import type { TaskHandle } from '../../../client/task-handle.js';
import type { Duration } from '../../../core/duration.js';
import { CliError } from '../../framework/cli-error.js';

/** Waits for a result; a timeout is told in the words of the command line. */
export async function resultOf(task: TaskHandle, timeout: Duration | undefined): Promise<unknown> {
  try {
    return await task.result(timeout === undefined ? {} : { timeout });
  } catch (cause) {
    if ((cause as { code?: unknown }).code !== 'STEM_RESULT_TIMEOUT') throw cause;
    throw new CliError(
      `Task '${task.id}' had not ended after ${String(timeout)}. It goes on: \`stem task show ${task.id}\` tells how it is.`,
      { code: 'STEM_RESULT_TIMEOUT', cause },
    );
  }
}
