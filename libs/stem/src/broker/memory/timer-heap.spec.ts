import { type HeapTimer, TimerHeap } from './timer-heap.js';

/** A sequence that looks random and is the same each time. */
function* pseudoRandom(below: number): Generator<number, never> {
  for (let state = 42; ;) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    yield state % below;
  }
}

describe('TimerHeap', () => {
  it('returns items in the order of their times, and none early', () => {
    const heap = new TimerHeap<string>();
    for (const at of [30, 10, 20]) heap.add(at, `at ${at}`);

    expect(heap.nextAt).toBe(10);
    expect(heap.takeDue(9)).toBeUndefined();
    expect([heap.takeDue(25), heap.takeDue(25), heap.takeDue(25)]).toEqual([
      'at 10',
      'at 20',
      undefined,
    ]);
    expect(heap.size).toBe(1);
  });

  it('returns items of the same time in the order in which they were added', () => {
    const heap = new TimerHeap<number>();
    for (let i = 0; i < 100; i++) heap.add(7, i);

    const taken = Array.from({ length: 100 }, () => heap.takeDue(7));

    expect(taken).toEqual(Array.from({ length: 100 }, (_, i) => i));
  });

  it('stays in order while items come and go', () => {
    const random = pseudoRandom(500);
    const heap = new TimerHeap<number>();
    let inside: HeapTimer<number>[] = [];
    for (let i = 0; i < 5_000; i++) {
      inside.push(heap.add(random.next().value, i));
      const [victim] = i % 3 ? [] : inside.splice(random.next().value % inside.length, 1);
      if (victim) heap.remove(victim);
    }
    inside = inside.sort((a, b) => a.at - b.at || a.order - b.order);

    expect(new Set(heap.items())).toEqual(new Set(inside.map(({ item }) => item)));
    expect(inside.map(() => heap.takeDue(500))).toEqual(inside.map(({ item }) => item));
    expect(heap.size).toBe(0);
    expect(heap.nextAt).toBeUndefined();
  });
});
