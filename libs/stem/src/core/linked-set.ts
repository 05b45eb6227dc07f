/**
 * What a {@link LinkedSet} can hold, in one set at a time. Links are private: handlers are given such objects, and
 * whoever writes one to a log must not write its neighbours, which are other tasks.
 */
export abstract class Linked {
  #set: object | undefined;
  #before: Linked | undefined;
  #after: Linked | undefined;

  static isIn(item: Linked, set: object): boolean {
    return item.#set === set;
  }

  static after(item: Linked): Linked | undefined {
    return item.#after;
  }

  /** Makes it the last of a ring: the one before `end`. */
  static append(item: Linked, set: object, end: Linked): void {
    const newest = end.#before ?? end;
    item.#set = set;
    item.#before = newest;
    item.#after = end;
    newest.#after = item;
    end.#before = item;
  }

  static remove(item: Linked): void {
    const before = item.#before as Linked;
    const after = item.#after as Linked;
    before.#after = after;
    after.#before = before;
    // What is gone must not refer to what is here: it may live longer than anybody needs it.
    item.#set = item.#before = item.#after = undefined;
  }
}

/** Stands before the oldest and after the newest of a set, so that each has neighbours. */
class End extends Linked {}

/**
 * A set for what comes and goes all the time, oldest first: adding and deleting allocate nothing.
 *
 * A `Set` that shrinks or is tidied up gets a new table, and the table it had before refers to the new one
 * (V8's `OrderedHashTable`, for iterators that are under way). Once one of them has grown old, each of its
 * followers is kept until the next full garbage collection, with what was in it then: a set that is emptied
 * for each task fills the old generation, and makes every collection of the young one copy more.
 */
export class LinkedSet<T extends Linked> {
  readonly #end = new End();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** What has been here longest. */
  get oldest(): T | undefined {
    return this.#size === 0 ? undefined : (Linked.after(this.#end) as T);
  }

  has(item: T): boolean {
    return Linked.isIn(item, this);
  }

  /** Adds it as the newest, unless it is here. It must not be in another set. */
  add(item: T): void {
    if (this.has(item)) return;
    Linked.append(item, this, this.#end);
    this.#size++;
  }

  delete(item: T): void {
    if (!this.has(item)) return;
    Linked.remove(item);
    this.#size--;
  }

  clear(): void {
    for (const item of this.toArray()) this.delete(item);
  }

  /** What is here now, oldest first: a copy, so that what it is needed for may add and delete. */
  toArray(): T[] {
    const items: T[] = [];
    let item: Linked | undefined = this.oldest;
    for (; item !== undefined && item !== this.#end; item = Linked.after(item))
      items.push(item as T);
    return items;
  }
}
