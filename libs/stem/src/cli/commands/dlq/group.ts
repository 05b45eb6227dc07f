import { group } from '../../framework/entry.js';
import { StemCommandGroup } from '../../framework/stem-command.js';
import { StemDlqListCommand } from './list.command.js';
import { StemDlqPurgeCommand } from './purge.command.js';
import { StemDlqReplayCommand } from './replay.command.js';
import { StemDlqShowCommand } from './show.command.js';

class StemDlqGroup extends StemCommandGroup {}

export const DLQ = group(StemDlqGroup, 'dlq', 'Looks at tasks that gave up, and starts them over', [
  StemDlqListCommand,
  StemDlqShowCommand,
  StemDlqReplayCommand,
  StemDlqPurgeCommand,
]);
