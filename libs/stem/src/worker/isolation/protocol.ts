import type { MessagePort } from 'node:worker_threads';
import type { JsonObject } from '../../core/json.js';
import type { RetryRuling } from '../verdict.js';
import type { CrossingError } from './crossing-error.js';

/*
 * What a worker and its threads say to each other, all of it plain data.
 *
 * Jobs are handed out by the thread pool. Everything else travels over one port per thread, so it
 * arrives in the order in which it was sent.
 */

/** What every thread of a pool is started with. */
export interface ThreadStart {
  /** File URL of the module that exports the application's root module. */
  readonly module: string;
  readonly export: string | undefined;
  /** The Stem whose tasks it runs. */
  readonly stem: string;
  /** After so many tasks the thread is replaced. */
  readonly maxTasks: number | undefined;
  /** The thread is replaced when it still holds so many bytes after a task. */
  readonly maxBytes: number | undefined;
  /** Largest result and progress data, in bytes. */
  readonly resultBytes: number;
  readonly bootTimeoutMs: number;
}

/** First word of a thread, on its `parentPort`. */
export interface ThreadHello {
  readonly hello: 'nestjs-stem';
  readonly threadId: number;
  /** The thread's end of everything but jobs. */
  readonly port: MessagePort;
}

/** What the pool hands to a thread. A thread has one at a time. */
export type ThreadJob =
  | { readonly kind: 'boot' }
  | { readonly kind: 'close' }
  | { readonly kind: 'run'; readonly run: RunJob };

/** One attempt. */
export interface RunJob {
  /** Number of the run within its pool. */
  readonly number: number;
  readonly id: string;
  readonly name: string;
  readonly queue: string;
  readonly attempt: number;
  readonly maxRetries: number;
  readonly deliveries: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly meta: JsonObject;
  readonly enqueuedAt: number;
  readonly args: unknown;
}

/** The answer to a `boot` job. */
export type BootReport =
  | { readonly booted: true; readonly tasks: readonly string[] }
  | { readonly booted: false; readonly error: CrossingError };

/** How the handler ended, or why it could not be called. */
export type ThreadEnd =
  /** The result as JSON; absent when there is none to keep. */
  | { readonly kind: 'returned'; readonly json: string | undefined }
  | {
      readonly kind: 'threw';
      readonly error: CrossingError;
      readonly ruling: RetryRuling | undefined;
      /** Present when it asked for another attempt. */
      readonly retry: { delayMs: number | undefined; dueAt: number | undefined } | undefined;
    }
  | { readonly kind: 'not-booted'; readonly error: CrossingError };

/** What a handler's context asks of the worker. */
export type ContextMethod = 'progress' | 'heartbeat' | 'extendLease';

/** Methods of a logger that cross, Nest's own included. */
export type LogLevel = 'log' | 'warn' | 'error' | 'debug' | 'verbose' | 'fatal';

export type FromThread =
  | { readonly type: 'booted' }
  | { readonly type: 'started'; readonly run: number }
  /** `retire`: the thread takes no further job, and says when it may be ended. */
  | {
      readonly type: 'ended';
      readonly run: number;
      readonly end: ThreadEnd;
      readonly retire: boolean;
    }
  | { readonly type: 'retired'; readonly run: number }
  | {
      readonly type: 'context';
      readonly call: number;
      readonly run: number;
      readonly method: ContextMethod;
      readonly args: readonly unknown[];
    }
  | {
      readonly type: 'store';
      readonly call: number;
      readonly stem: string;
      readonly store: StoreKind;
      readonly method: string;
      readonly args: readonly unknown[];
    }
  | {
      readonly type: 'task-log';
      readonly run: number;
      readonly level: 'log' | 'warn' | 'error' | 'debug';
      readonly message: string;
    }
  | { readonly type: 'app-log'; readonly level: LogLevel; readonly parts: readonly unknown[] };

export type ToThread =
  | { readonly type: 'abort'; readonly run: number; readonly reason: CrossingError }
  | { readonly type: 'answer'; readonly call: number; readonly value: unknown }
  | { readonly type: 'refusal'; readonly call: number; readonly error: CrossingError };

/** The stores of a Stem, which live in the main thread only. */
export type StoreKind = 'broker' | 'results' | 'schedules';
