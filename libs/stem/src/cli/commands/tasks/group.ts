import { group } from '../../framework/entry.js';
import { StemCommandGroup } from '../../framework/stem-command.js';
import { StemTasksLsCommand } from './ls.command.js';

class StemTasksGroup extends StemCommandGroup {}

export const TASKS = group(StemTasksGroup, 'tasks', 'Tells which tasks an application defines', [
  StemTasksLsCommand,
]);
