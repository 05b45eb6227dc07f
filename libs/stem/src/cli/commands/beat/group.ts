import { group } from '../../framework/entry.js';
import { StemCommandGroup } from '../../framework/stem-command.js';
import { StemBeatStartCommand } from './start.command.js';

class StemBeatGroup extends StemCommandGroup {}

export const BEAT = group(StemBeatGroup, 'beat', 'Carries schedules out', [StemBeatStartCommand]);
