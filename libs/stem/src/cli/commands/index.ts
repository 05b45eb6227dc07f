import { type Entry, single } from '../framework/entry.js';
import { BEAT } from './beat/group.js';
import { StemCompletionCommand } from './completion/completion.command.js';
import { StemCompletionWordsCommand } from './completion/words.command.js';
import { DLQ } from './dlq/group.js';
import { StemHealthCommand } from './health/health.command.js';
import { OBSERVE } from './observe/group.js';
import { QUEUE } from './queue/group.js';
import { SCHEDULE } from './schedule/group.js';
import { TASK } from './task/group.js';
import { TASKS } from './tasks/group.js';
import { WORKER } from './worker/group.js';

/** What may follow `stem`, in the order of its help. */
export const ENTRIES: readonly Entry[] = [
  WORKER,
  BEAT,
  TASK,
  TASKS,
  QUEUE,
  DLQ,
  SCHEDULE,
  OBSERVE,
  single(StemHealthCommand),
  single(StemCompletionCommand),
  single(StemCompletionWordsCommand),
];
