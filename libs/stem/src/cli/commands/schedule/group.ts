import { group } from '../../framework/entry.js';
import { StemCommandGroup } from '../../framework/stem-command.js';
import { StemScheduleAddCommand } from './add.command.js';
import { StemScheduleApplyCommand } from './apply.command.js';
import { StemScheduleDisableCommand } from './disable.command.js';
import { StemScheduleEnableCommand } from './enable.command.js';
import { StemScheduleListCommand } from './list.command.js';
import { StemSchedulePreviewCommand } from './preview.command.js';
import { StemScheduleRemoveCommand } from './remove.command.js';
import { StemScheduleRunCommand } from './run.command.js';
import { StemScheduleShowCommand } from './show.command.js';

class StemScheduleGroup extends StemCommandGroup {}

export const SCHEDULE = group(
  StemScheduleGroup,
  'schedule',
  'Looks at schedules and governs them',
  [
    StemScheduleListCommand,
    StemScheduleShowCommand,
    StemScheduleAddCommand,
    StemScheduleApplyCommand,
    StemScheduleRemoveCommand,
    StemScheduleEnableCommand,
    StemScheduleDisableCommand,
    StemScheduleRunCommand,
    StemSchedulePreviewCommand,
  ],
);
