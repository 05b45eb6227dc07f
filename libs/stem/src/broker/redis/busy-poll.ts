/**
 * How long the event loop is kept awake for an answer. From a Redis nearby that is awake itself it comes within
 * half of that. Longer would delay a Redis that was put on our processor.
 */
const LIMIT_MS = 0.1;
/** Calls that follow keep the loop awake on, but not for longer than this without an answer that took less. */
const VAIN_MS = 0.3;
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
  #isPolling = false;
  #endMonotonicMs = 0;
  /** Whether the loop has looked at its sockets in the present poll. */
  #hasLooked = false;
  /** Whether an answer came in time in the present poll. */
  #hasCaught = false;
  /** When the last one did, or the poll began. */
  #caughtMonotonicMs = 0;
  #passOver = 0;
  #passedOver = 0;
  readonly #turn = (): void => this.#look();

  /** Keeps the loop awake until this answer is there, or for a tenth of a millisecond. */
  keepAwakeFor(answer: Promise<unknown>): void {
    if (!this.#isPolling && this.#passedOver < this.#passOver) {
      this.#passedOver++;
      return;
    }
    const askedMonotonicMs = performance.now();
    this.#awaited++;
    const answered = (): void => this.#answered(askedMonotonicMs);
    answer.then(answered, answered);
    if (!this.#isPolling) {
      this.#isPolling = true;
      this.#hasLooked = false;
      this.#hasCaught = false;
      this.#caughtMonotonicMs = askedMonotonicMs;
      setImmediate(this.#turn);
    }
    this.#endMonotonicMs = Math.min(askedMonotonicMs + LIMIT_MS, this.#caughtMonotonicMs + VAIN_MS);
  }

  /** An answer that was long in coming may arrive in the poll for another: it was not caught by it. */
  #answered(askedMonotonicMs: number): void {
    this.#awaited--;
    const nowMonotonicMs = performance.now();
    if (!this.#isPolling || nowMonotonicMs >= askedMonotonicMs + VAIN_MS) return;
    this.#hasCaught = true;
    this.#caughtMonotonicMs = nowMonotonicMs;
  }

  /** An immediate that is pending makes the loop look at its sockets without waiting for them. */
  #look(): void {
    const isOver = this.#awaited === 0 || performance.now() >= this.#endMonotonicMs;
    if (!isOver) {
      this.#hasLooked = true;
      setImmediate(this.#turn);
      return;
    }
    this.#isPolling = false;
    this.#passedOver = 0;
    if (this.#hasCaught) this.#passOver = 0;
    // Otherwise the turn in which the call was made took so long that nothing was tried.
    else if (this.#hasLooked) this.#passOver = Math.min(this.#passOver * 2 + 1, MAX_PASSED_OVER);
  }
}
