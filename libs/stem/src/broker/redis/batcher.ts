/**
 * Collects the calls of one turn of the event loop and carries them out together.
 *
 * `setImmediate` runs when every timer that is due, every answer that has come in, and every promise
 * reaction they set off are done. With `process.nextTick` each timer would send a call of its own, and
 * handlers that wait for something mostly end in timers and answers.
 */
export class Batcher<Item, Result> {
  readonly #carryOut: (items: Item[]) => Promise<readonly Result[]>;
  readonly #weigh: (item: Item) => Weight;
  readonly #limits: Weight;
  readonly #isEager: boolean;
  /** Calls without an answer. */
  #underWay = 0;
  #items: Item[] = [];
  #settlers: Settler<Result>[] = [];
  #scheduled = false;

  /**
   * @param carryOut does the work; answers in the order of the items.
   * @param limits the most that one call may carry, so that it does not hold the server for long. An
   *   item heavier than that goes alone.
   * @param options `isEager`: while nothing is under way it does not wait for the end of the turn, only for
   *   promise reactions. For calls that somebody waits for.
   */
  constructor(
    carryOut: (items: Item[]) => Promise<readonly Result[]>,
    limits: Weight,
    weigh: (item: Item) => Weight,
    { isEager = false } = {},
  ) {
    this.#carryOut = carryOut;
    this.#limits = limits;
    this.#weigh = weigh;
    this.#isEager = isEager;
  }

  add(item: Item): Promise<Result> {
    if (!this.#scheduled) {
      this.#scheduled = true;
      if (this.#isEager && this.#underWay === 0) process.nextTick(() => this.flush());
      else setImmediate(() => this.flush());
    }
    this.#items.push(item);
    const result = new Promise<Result>((resolve, reject) => {
      this.#settlers.push({ resolve, reject });
    });
    // With as many items as a call may carry, waiting gains nothing: the server can begin while more is prepared.
    if (this.#items.length >= this.#limits.count) this.flush();
    return result;
  }

  /**
   * Takes out what has been collected, to send it along with another call.
   *
   * @param mayGo whether an item may travel so; one that may not keeps all of them here.
   * @returns nothing when there is nothing, or more than one call may carry.
   */
  take(mayGo: (item: Item) => boolean): Passengers<Item, Result> | undefined {
    const items = this.#items;
    if (items.length === 0) return undefined;
    let bytes = 0;
    for (const item of items) {
      bytes += this.#weigh(item).bytes;
      if (bytes > this.#limits.bytes || !mayGo(item)) return undefined;
    }
    const settlers = this.#settlers;
    this.#items = [];
    this.#settlers = [];
    return { items, arrive: (results) => settle(results, settlers) };
  }

  /** Sends what has been collected, without waiting for the end of the turn. */
  flush(): void {
    this.#scheduled = false;
    const items = this.#items;
    if (items.length === 0) return;
    const settlers = this.#settlers;
    this.#items = [];
    this.#settlers = [];
    let from = 0;
    let count = 0;
    let bytes = 0;
    for (let i = 0; i < items.length; i++) {
      const weight = this.#weigh(items[i] as Item);
      const full =
        count + weight.count > this.#limits.count || bytes + weight.bytes > this.#limits.bytes;
      if (full && i > from) {
        this.#send(items.slice(from, i), settlers.slice(from, i));
        from = i;
        count = 0;
        bytes = 0;
      }
      count += weight.count;
      bytes += weight.bytes;
    }
    if (from === 0) this.#send(items, settlers);
    else this.#send(items.slice(from), settlers.slice(from));
  }

  #send(items: Item[], settlers: Settler<Result>[]): void {
    this.#underWay++;
    const answered = (): void => {
      this.#underWay--;
    };
    const results = this.#carryOut(items);
    results.then(answered, answered);
    settle(results, settlers);
  }
}

/** Items that travel along with another call. */
export interface Passengers<Item, Result> {
  readonly items: Item[];
  /** Tells those who wait for them what became of them. */
  readonly arrive: (results: Promise<readonly Result[]>) => void;
}

function settle<Result>(
  results: Promise<readonly Result[]>,
  settlers: readonly Settler<Result>[],
): void {
  results.then(
    (all) => {
      for (let i = 0; i < settlers.length; i++) settlers[i]?.resolve(all[i] as Result);
    },
    (error: unknown) => {
      for (const settler of settlers) settler.reject(error);
    },
  );
}

/** How much of a call an item takes up. */
export interface Weight {
  readonly count: number;
  readonly bytes: number;
}

interface Settler<Result> {
  resolve(result: Result): void;
  reject(error: unknown): void;
}
