import { group } from '../../framework/entry.js';
import { StemCommandGroup } from '../../framework/stem-command.js';
import { StemTaskCancelCommand } from './cancel.command.js';
import { StemTaskEnqueueCommand } from './enqueue.command.js';
import { StemTaskListCommand } from './list.command.js';
import { StemTaskResultCommand } from './result.command.js';
import { StemTaskShowCommand } from './show.command.js';

class StemTaskGroup extends StemCommandGroup {}

export const TASK = group(StemTaskGroup, 'task', 'Enqueues tasks and follows them', [
  StemTaskEnqueueCommand,
  StemTaskShowCommand,
  StemTaskResultCommand,
  StemTaskCancelCommand,
  StemTaskListCommand,
]);
