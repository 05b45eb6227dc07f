import type { Contender } from './contender.js';

/** Between whom ratios are made: the first to the second. */
export const COMPARED = ['stem', 'bullmq'] as const;

/** In the order of the columns. */
export const CONTENDERS = [...COMPARED, 'raw'] as const;

export type ContenderName = (typeof CONTENDERS)[number];

export const CONTENDER_TITLES: Readonly<Record<ContenderName, string>> = {
  stem: 'Stem',
  bullmq: 'BullMQ',
  raw: 'raw Redis',
};

/** Loads one contender, so that none pays for the modules of another. */
export async function loadContender(name: ContenderName): Promise<Contender> {
  switch (name) {
    case 'stem':
      return (await import('./stem.js')).stem;
    case 'bullmq':
      return (await import('./bullmq.js')).bullmq;
    case 'raw':
      return (await import('./raw.js')).raw;
  }
}
