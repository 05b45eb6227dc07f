import { defineTask } from 'nestjs-stem';

export const Reindex = defineTask<{ shop: string; full?: boolean }, void>('search.reindex', {
  uniqueKey: ({ shop }) => shop,
  uniqueFor: '1h',
});
