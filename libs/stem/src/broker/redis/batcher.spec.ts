import { setImmediate as turn } from 'node:timers/promises';
import { Batcher } from './batcher.js';

describe('Batcher', () => {
  let calls: string[][];
  const carryOut = async (items: string[]): Promise<string[]> => {
    calls.push(items);
    return items.map((item) => item.toUpperCase());
  };
  const weigh = (item: string): { count: number; bytes: number } => ({
    count: 1,
    bytes: item.length,
  });
  const LIMITS = { count: 3, bytes: 10 };

  beforeEach(() => {
    calls = [];
  });

  it('carries out together what was asked for in one turn of the event loop', async () => {
    const batcher = new Batcher(carryOut, LIMITS, weigh);
    const results = Promise.all([batcher.add('a'), batcher.add('b')]);
    expect(calls).toEqual([]);
    expect(await results).toEqual(['A', 'B']);
    expect(calls).toEqual([['a', 'b']]);
  });

  it('sends a full call at once, so that the server can begin while more is prepared', async () => {
    const batcher = new Batcher(carryOut, LIMITS, weigh);
    for (const item of ['a', 'b', 'c', 'd']) void batcher.add(item);
    expect(calls).toEqual([['a', 'b', 'c']]);
    await turn();
    expect(calls).toEqual([['a', 'b', 'c'], ['d']]);
  });

  it('cuts what is too many bytes for one call, and sends what is larger than that by itself', async () => {
    const batcher = new Batcher(carryOut, LIMITS, weigh);
    const large = 'x'.repeat(11);
    void batcher.add('123456');
    void batcher.add('12345');
    await turn();
    void batcher.add(large);
    void batcher.add('a');
    await turn();
    expect(calls).toEqual([['123456'], ['12345'], [large], ['a']]);
  });

  it('does not wait for the end of the turn when it is eager and nothing is under way', async () => {
    const batcher = new Batcher(carryOut, LIMITS, weigh, { isEager: true });
    await batcher.add('a');
    expect(calls).toEqual([['a']]);
  });

  it('tells all of a call that failed', async () => {
    const batcher = new Batcher(() => Promise.reject(new Error('away')), LIMITS, weigh);
    const results = await Promise.allSettled([batcher.add('a'), batcher.add('b')]);
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  });

  it('hands out what it has as passengers of another call, unless one may not go', () => {
    const batcher = new Batcher(carryOut, LIMITS, weigh);
    void batcher.add('a');
    expect(batcher.take(() => false)).toBeUndefined();
    expect(batcher.take(() => true)?.items).toEqual(['a']);
    expect(batcher.take(() => true)).toBeUndefined();
  });
});
