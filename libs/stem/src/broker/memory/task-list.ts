/** What a {@link TaskList} needs of its members: two links, and a place in the line. */
export interface Listed<T> {
  previous: T | undefined;
  next: T | undefined;
  /** Smaller is earlier. */
  place: number;
}

/**
 * A line of tasks in order of their places, linked through the tasks themselves: adding, taking and
 * removing from the middle cost the same however long the line is. A task stands in one line at most.
 */
export class TaskList<T extends Listed<T>> {
  first: T | undefined;
  last: T | undefined;
  size = 0;

  /** Adds a task whose place is behind all others. */
  push(task: T): void {
    task.previous = this.last;
    task.next = undefined;
    if (this.last) this.last.next = task;
    else this.first = task;
    this.last = task;
    this.size++;
  }

  /** Takes the first task. */
  shift(): T | undefined {
    const { first } = this;
    if (first) this.remove(first);
    return first;
  }

  /**
   * Puts a task back where it stood before. It looks from the front, because that is where tasks are
   * taken and so where they come back to.
   */
  putBack(task: T): void {
    let next = this.first;
    while (next && next.place < task.place) next = next.next;
    if (!next) return this.push(task);
    task.next = next;
    task.previous = next.previous;
    if (next.previous) next.previous.next = task;
    else this.first = task;
    next.previous = task;
    this.size++;
  }

  /** Removes a task that stands in this line. */
  remove(task: T): void {
    const { previous, next } = task;
    if (previous) previous.next = next;
    else this.first = next;
    if (next) next.previous = previous;
    else this.last = previous;
    task.previous = undefined;
    task.next = undefined;
    this.size--;
  }
}
