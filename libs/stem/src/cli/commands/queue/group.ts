import { group } from '../../framework/entry.js';
import { StemCommandGroup } from '../../framework/stem-command.js';
import { StemQueueDrainCommand } from './drain.command.js';
import { StemQueueListCommand } from './list.command.js';
import { StemQueuePauseCommand } from './pause.command.js';
import { StemQueuePurgeCommand } from './purge.command.js';
import { StemQueueResumeCommand } from './resume.command.js';

class StemQueueGroup extends StemCommandGroup {}

export const QUEUE = group(StemQueueGroup, 'queue', 'Looks at queues and governs them', [
  StemQueueListCommand,
  StemQueuePauseCommand,
  StemQueueResumeCommand,
  StemQueuePurgeCommand,
  StemQueueDrainCommand,
]);
