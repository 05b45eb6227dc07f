/**
 * How long the event loop is kept awake for an answer. From a Redis nearby that is awake itself it comes within
 * half of that. Longer would delay a Redis that was put on our processor.
 */
const LIMIT_MS = 0.1;
/** When it was in vain, up to so many answers are waited for in the ordinary way before it is tried again. */
const MAX_PASSED_OVER = 63;

/**
 * Keeps the event loop from going to sleep for a moment, while an answer is about to come.
 *
 * Falling asleep and being woken takes several times as long as Redis needs for a short call, and wakes cost
 * processor time on both sides: looking at the socket again and again for some 50 µs is cheaper than sleeping
 * for them. What other callbacks have to do is done in between as ever. Where answers take longer (Redis far
 * away or busy, one processor for both) it is in vain, notices it, and lets the loop sleep as usual.
 *
 * The technique is that of adaptive locks, which spin before they sleep.
 */
export class BusyPoll {
  #awaited = 0;
  /** Answers that came while the loop was kept awake. */
  #caught = 0;
  #caughtBefore = 0;
  #endMonotonicMs = 0;
  #isPolling = false;
  #passOver = 0;
  #passedOver = 0;
  readonly #turn = (): void => this.#look();

  /** Tells that an answer is waited for, and when it is there or will not come. */
  keepAwakeFor(answer: Promise<unknown>): void {
    if (!this.#isPolling && this.#passedOver < this.#passOver) {
      this.#passedOver++;
      return;
    }
    this.#awaited++;
    const answered = (): void => this.#answered();
    answer.then(answered, answered);
    this.#endMonotonicMs = performance.now() + LIMIT_MS;
    if (this.#isPolling) return;
    this.#isPolling = true;
    this.#caughtBefore = this.#caught;
    setImmediate(this.#turn);
  }

  #answered(): void {
    this.#awaited--;
    if (this.#isPolling) this.#caught++;
  }

  /** An immediate that is pending makes the loop look at its sockets without waiting for them. */
  #look(): void {
    const isOver = this.#awaited === 0 || performance.now() >= this.#endMonotonicMs;
    if (!isOver) {
      setImmediate(this.#turn);
      return;
    }
    this.#isPolling = false;
    this.#passedOver = 0;
    this.#passOver =
      this.#caught > this.#caughtBefore ? 0 : Math.min(this.#passOver * 2 + 1, MAX_PASSED_OVER);
  }
}
