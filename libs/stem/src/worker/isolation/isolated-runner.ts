import type { TaskContext } from '../../core/task-context.js';
import type { RunEnd } from '../verdict.js';

/**
 * Runs handlers where they can be ended from outside: the port between a worker and whatever keeps its
 * threads.
 */
export interface IsolatedRunner {
  /** Threads that exist now. */
  readonly threads: number;

  /**
   * Runs one attempt, when a thread is free for it.
   *
   * @param context carries out what the handler asks of its own context.
   * @param onStarted told just before the handler is called.
   */
  run(context: TaskContext, args: unknown, onStarted: () => void): IsolatedRun;

  /** No more runs will come: what is ended from now on need not be replaced. */
  drain(): void;

  /**
   * Ends every thread; resolved when they are gone.
   *
   * @param options `graceful`: whether the application in each thread may close first.
   */
  close(options: { graceful: boolean }): Promise<void>;
}

/** One attempt that runs, or waits to run, in a thread. */
export interface IsolatedRun {
  /** How it ended; never rejects. */
  readonly ended: Promise<RunEnd>;
  /** Aborts the handler's `ctx.signal`; an attempt that has not started ends with `reason`. */
  abort(reason: Error): void;
  /** Ends the thread, whatever it does. Nothing happens when the attempt is over. */
  terminate(): void;
}
