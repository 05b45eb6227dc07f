/** What a {@link LinkedSet} holds. It is in one set at a time, and the set alone touches these fields. */
export abstract class Linked {
  linkedIn: object | undefined;
  linkedBefore: Linked | undefined;
  linkedAfter: Linked | undefined;
}

/**
 * A set for what comes and goes all the time, oldest first: adding and deleting allocate nothing.
 *
 * A `Set` that shrinks or is tidied up gets a new table, and the table it had before refers to the new one
 * (V8's `OrderedHashTable`, for iterators that are under way). Once one of them has grown old, each of its
 * followers is kept until the next full garbage collection, with what was in it then: a set that is emptied
 * for each task fills the old generation, and makes every collection of the young one copy more.
 */
export class LinkedSet<T extends Linked> {
  #oldest: Linked | undefined;
  #newest: Linked | undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** What has been here longest. */
  get oldest(): T | undefined {
    return this.#oldest as T | undefined;
  }

  has(item: T): boolean {
    return item.linkedIn === this;
  }

  /** Adds it as the newest, unless it is here. It must not be in another set. */
  add(item: T): void {
    if (item.linkedIn === this) return;
    item.linkedIn = this;
    item.linkedBefore = this.#newest;
    if (this.#newest === undefined) this.#oldest = item;
    else this.#newest.linkedAfter = item;
    this.#newest = item;
    this.#size++;
  }

  delete(item: T): void {
    if (item.linkedIn !== this) return;
    const { linkedBefore: before, linkedAfter: after } = item;
    if (before === undefined) this.#oldest = after;
    else before.linkedAfter = after;
    if (after === undefined) this.#newest = before;
    else after.linkedBefore = before;
    // What is gone must not refer to what is here: it may live longer than anybody needs it.
    item.linkedIn = item.linkedBefore = item.linkedAfter = undefined;
    this.#size--;
  }

  clear(): void {
    for (const item of this.toArray()) this.delete(item);
  }

  /** What is here now, oldest first: a copy, so that what it is needed for may add and delete. */
  toArray(): T[] {
    const items: T[] = [];
    for (let item = this.#oldest; item !== undefined; item = item.linkedAfter)
      items.push(item as T);
    return items;
  }
}
