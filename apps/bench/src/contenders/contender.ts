/** Enqueues no-op tasks with the standard payload. */
export interface Producer {
  /** One task; resolved when the queue has accepted it. */
  enqueue(): Promise<unknown>;
  /** Tasks enqueued one by one, with `inFlight` of them under way at any time. */
  enqueueConcurrently(count: number, inFlight: number): Promise<void>;
  /** Tasks handed over together. */
  enqueueMany(count: number): Promise<unknown>;
  close(): Promise<void>;
}

export interface WorkerOptions {
  readonly url: string;
  readonly concurrency: number;
  /** What the handler does: nothing but telling that it ran. */
  readonly onTask: () => void;
}

/** Runs tasks from the moment on when it is made. */
export interface RunningWorker {
  close(): Promise<void>;
}

/** One way to queue and run tasks. */
export interface Contender {
  openProducer(url: string): Promise<Producer>;
  openWorker(options: WorkerOptions): Promise<RunningWorker>;
  /** How many tasks have succeeded since the server was empty, as the queue itself tells. */
  countSucceeded(url: string): Promise<number>;
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
