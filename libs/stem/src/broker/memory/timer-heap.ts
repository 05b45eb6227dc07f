/** An item that waits for its time in a {@link TimerHeap}. */
export interface HeapTimer<T> {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly item: T;
  /** Breaks ties: of two items due at the same time, the one added earlier comes earlier. */
  readonly order: number;
  /** Where it is in the heap now. */
  index: number;
}

/**
 * Items by the time at which something happens to them: the next one is known at once, and adding or
 * removing one among a million takes some twenty steps. No system timer belongs to it.
 */
export class TimerHeap<T> {
  readonly #timers: HeapTimer<T>[] = [];
  #added = 0;

  get size(): number {
    return this.#timers.length;
  }

  /** The earliest time, or nothing when the heap is empty. */
  get nextAt(): number | undefined {
    return this.#timers[0]?.at;
  }

  add(at: number, item: T): HeapTimer<T> {
    const timer: HeapTimer<T> = { at, item, order: this.#added++, index: this.#timers.length };
    this.#timers.push(timer);
    this.#rise(timer);
    return timer;
  }

  /** Takes the item whose time came first, if it came at `now` or before. */
  takeDue(now: number): T | undefined {
    const first = this.#timers[0];
    if (!first || first.at > now) return undefined;
    this.remove(first);
    return first.item;
  }

  /** Removes a timer that {@link add} returned and that is still in the heap. */
  remove(timer: HeapTimer<T>): void {
    const last = this.#timers.pop();
    if (!last || last === timer) return;
    last.index = timer.index;
    this.#timers[last.index] = last;
    this.#rise(last);
    this.#sink(last);
  }

  /** All items, in no order. */
  *items(): Generator<T> {
    for (const { item } of this.#timers) yield item;
  }

  #rise(timer: HeapTimer<T>): void {
    const timers = this.#timers;
    let { index } = timer;
    while (index > 0) {
      const parent = timers[(index - 1) >> 1] as HeapTimer<T>;
      if (isEarlier(parent, timer)) break;
      const freed = parent.index;
      timers[index] = parent;
      parent.index = index;
      index = freed;
    }
    timers[index] = timer;
    timer.index = index;
  }

  #sink(timer: HeapTimer<T>): void {
    const timers = this.#timers;
    let { index } = timer;
    for (;;) {
      const left = timers[2 * index + 1];
      const right = timers[2 * index + 2];
      const child = right && left && isEarlier(right, left) ? right : left;
      if (!child || isEarlier(timer, child)) break;
      const freed = child.index;
      timers[index] = child;
      child.index = index;
      index = freed;
    }
    timers[index] = timer;
    timer.index = index;
  }
}

function isEarlier<T>(one: HeapTimer<T>, other: HeapTimer<T>): boolean {
  return one.at < other.at || (one.at === other.at && one.order < other.order);
}
