import type { NewTask } from '../new-task.js';
import { BATCH_LIMITS, cutIntoPieces, isTooLargeForOneCall } from './batch-limits.js';

const tasks = (count: number, envelope: string, more: Partial<NewTask> = {}): NewTask[] =>
  Array.from({ length: count }, (_, i) => ({
    id: String(i),
    queue: 'q',
    priority: 0,
    envelope,
    ...more,
  }));
const KIB = 'x'.repeat(1_024);

describe('one script call', () => {
  it('takes a thousand small tasks, and no more', () => {
    expect(isTooLargeForOneCall(tasks(1_000, 'x'.repeat(300)))).toBe(false);
    expect(isTooLargeForOneCall(tasks(1_001, ''))).toBe(true);
  });

  it('takes fewer of those that wait, expire or have a claim', () => {
    expect(isTooLargeForOneCall(tasks(333, '', { delayMs: 1 }))).toBe(false);
    expect(isTooLargeForOneCall(tasks(334, '', { unique: { key: 'k' } }))).toBe(true);
  });

  it('takes 384 KiB, counted as they are sent', () => {
    expect(isTooLargeForOneCall(tasks(384, KIB))).toBe(false);
    expect(isTooLargeForOneCall(tasks(385, KIB))).toBe(true);
    expect(isTooLargeForOneCall(tasks(128, '漢'.repeat(1_024)))).toBe(false);
    expect(isTooLargeForOneCall(tasks(129, '漢'.repeat(1_024)))).toBe(true);
  });

  it('takes a single task, whatever its size', () => {
    expect(isTooLargeForOneCall(tasks(1, KIB.repeat(1_024)))).toBe(false);
  });
});

describe('a piece', () => {
  it('has at most 200 tasks, in their order', () => {
    const all = tasks(401, '');
    const pieces = cutIntoPieces(all);
    expect(pieces.map((piece) => piece.length)).toEqual([200, 200, 1]);
    expect(pieces.flat()).toEqual(all);
  });

  it('has at most 128 KiB, counted as they are sent', () => {
    expect(cutIntoPieces(tasks(129, KIB)).map((piece) => piece.length)).toEqual([128, 1]);
    const wide = '漢'.repeat(1_024);
    expect(cutIntoPieces(tasks(43, wide)).map((piece) => piece.length)).toEqual([42, 1]);
  });

  it('has one task alone that is larger', () => {
    const [large] = tasks(1, 'x'.repeat(BATCH_LIMITS.bytes + 1)) as [NewTask];
    const [small] = tasks(1, 'x') as [NewTask];
    expect(cutIntoPieces([large, small, small, large])).toEqual([[large], [small, small], [large]]);
  });
});
