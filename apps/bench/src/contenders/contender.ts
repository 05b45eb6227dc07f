import type { Load } from '../load.js';

/** Enqueues tasks with the standard payload. */
export interface Producer {
  /** One task; resolved when the queue has accepted it. */
  enqueue(): Promise<unknown>;
  /** Tasks enqueued one by one, with `inFlight` of them under way at any time. */
  enqueueConcurrently(count: number, inFlight: number): Promise<void>;
  /** Tasks handed over together, due after `delayMs`. */
  enqueueMany(count: number, delayMs?: number): Promise<unknown>;
  close(): Promise<void>;
}

export interface ProducerOptions {
  readonly url: string;
  readonly load: Load;
}

export interface WorkerOptions {
  readonly url: string;
  readonly load: Load;
  /** How many tasks run at once, over all queues. */
  readonly concurrency: number;
  /** See `createHandler`. It is also told the queue from which the task came. */
  readonly handler: (isFirstTry: boolean, queue: string) => Promise<unknown>;
}

/** Runs tasks from the moment on when it is made. */
export interface RunningWorker {
  close(): Promise<void>;
}

/** One way to queue and run tasks. */
export interface Contender {
  readonly openProducer: (options: ProducerOptions) => Promise<Producer>;
  readonly openWorker: (options: WorkerOptions) => Promise<RunningWorker>;
  /** How many tasks have succeeded since the server was empty, as the queue itself tells. */
  readonly countSucceeded: (options: ProducerOptions) => Promise<number>;
}

/** Runs `count` calls in `lanes` lanes; a lane makes its next call when its last one is answered. */
export async function inLanes(
  count: number,
  lanes: number,
  call: () => Promise<unknown>,
): Promise<void> {
  let left = count;
  const lane = async (): Promise<void> => {
    while (left > 0) {
      left--;
      await call();
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}

/** Deals tasks out: their queues and priorities, in turn. */
export class Dealer {
  readonly #load: Load;
  #dealt = 0;

  constructor(load: Load) {
    this.#load = load;
  }

  /** Which of the load's queues, counted from 0, and which priority, from 0 to 9, the next task gets. */
  next(): { readonly queue: number; readonly priority: number } {
    const n = this.#dealt++;
    return {
      queue: n % this.#load.queues,
      priority: this.#load.priorities ? Math.floor(n / this.#load.queues) % 10 : 0,
    };
  }
}
