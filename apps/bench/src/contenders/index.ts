import type { Contender } from './contender.js';

/** Those whose ratios to Stem are shown. */
export const RIVALS = ['bullmq', 'beeQueue', 'floor'] as const;

/** In the order of the columns. */
export const CONTENDERS = ['stem', ...RIVALS] as const;

export type ContenderName = (typeof CONTENDERS)[number];

export const CONTENDER_TITLES: Readonly<Record<ContenderName, string>> = {
  stem: 'Stem',
  bullmq: 'BullMQ',
  beeQueue: 'bee-queue',
  floor: 'floor',
};

/** Loads one contender, so that none pays for the modules of another. */
export async function loadContender(name: ContenderName): Promise<Contender> {
  switch (name) {
    case 'stem':
      return (await import('./stem.js')).stem;
    case 'bullmq':
      return (await import('./bullmq.js')).bullmq;
    case 'beeQueue':
      return (await import('./bee-queue.js')).beeQueue;
    case 'floor':
      return (await import('./floor.js')).floor;
  }
}
