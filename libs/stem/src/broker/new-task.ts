/** A task that is about to be enqueued; already checked and encoded. */
export interface NewTask {
  readonly id: string;
  /**
   * The id was made by the broker's `newTaskId` for this call: finding it taken means that an unanswered call had
   * succeeded. It stands in the envelope as it is.
   */
  readonly idIsNew?: boolean | undefined;
  readonly queue: string;
  readonly priority: number;
  /** The encoded `Envelope`. */
  readonly envelope: string;
  /** Wait this long, or until this time; at most one of the two. */
  readonly delayMs?: number | undefined;
  readonly dueAt?: number | undefined;
  /** Give up waiting after this long, or at this time; at most one of the two. */
  readonly expiresInMs?: number | undefined;
  readonly expiresAt?: number | undefined;
  /** The claim that must be free; `forMs` bounds how long it lasts. */
  readonly unique?: { readonly key: string; readonly forMs?: number | undefined } | undefined;
  /**
   * Accept it only if its number is greater than the last one accepted under this key, which outlives
   * the task's record by weeks. Refused, it is answered like a task whose id is taken.
   */
  readonly sequence?: { readonly key: string; readonly number: number } | undefined;
}
