import { group } from '../../framework/entry.js';
import { StemCommandGroup } from '../../framework/stem-command.js';
import { StemWorkerInspectCommand } from './inspect.command.js';
import { StemWorkerPauseCommand } from './pause.command.js';
import { StemWorkerPingCommand } from './ping.command.js';
import { StemWorkerResumeCommand } from './resume.command.js';
import { StemWorkerRevokeCommand } from './revoke.command.js';
import { StemWorkerShutdownCommand } from './shutdown.command.js';
import { StemWorkerStartCommand } from './start.command.js';
import { StemWorkerStatsCommand } from './stats.command.js';
import { StemWorkerStatusCommand } from './status.command.js';

class StemWorkerGroup extends StemCommandGroup {}

export const WORKER = group(
  StemWorkerGroup,
  'worker',
  'Starts workers, looks at them and governs them',
  [
    StemWorkerStartCommand,
    StemWorkerPingCommand,
    StemWorkerStatsCommand,
    StemWorkerInspectCommand,
    StemWorkerStatusCommand,
    StemWorkerPauseCommand,
    StemWorkerResumeCommand,
    StemWorkerShutdownCommand,
    StemWorkerRevokeCommand,
  ],
);
