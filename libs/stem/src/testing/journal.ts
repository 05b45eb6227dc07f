import type { NewTask } from '../broker/broker.js';
import { decodeEnvelope } from '../core/envelope.js';
import type { JsonObject } from '../core/json.js';

/** What was asked for when a task was enqueued, defaults of the task included. Durations in milliseconds. */
export interface EnqueuedOptions {
  readonly queue: string;
  /** 0 to 9, 9 first. */
  readonly priority: number;
  /** Time until it is due, where one was given. */
  readonly delay?: number;
  /** When it is due, where that was given instead. */
  readonly at?: Date;
  /** How long after it was enqueued, or when, it expires; absent: never. */
  readonly expires?: number | Date;
  /** Tries after the first, where that was given to `enqueue`; otherwise its worker decides. */
  readonly maxRetries?: number;
  /** How long its record is kept, where that was given to `enqueue`; otherwise its worker decides. */
  readonly resultTtl?: number;
  /** True where it has a unique claim; absent otherwise. */
  readonly unique?: boolean;
  /** Longest time that the claim lasts; absent: until the task ends. */
  readonly uniqueFor?: number;
}

/** A task that was enqueued, as it was at that moment. */
export interface EnqueuedTask<TArgs = unknown> {
  readonly id: string;
  readonly name: string;
  /** What the handler gets. */
  readonly args: TArgs;
  readonly headers: Readonly<Record<string, string>>;
  readonly meta: JsonObject;
  readonly options: EnqueuedOptions;
  /** By the virtual clock. */
  readonly enqueuedAt: Date;
}

/** Every task that was enqueued, in order. */
export class Journal {
  #tasks: EnqueuedTask[] = [];

  add(task: NewTask, now: number): void {
    const entry = describe(task, now);
    if (entry) this.#tasks.push(entry);
  }

  /** A list of its own. */
  list(name?: string): EnqueuedTask[] {
    return this.#tasks.filter((task) => name === undefined || task.name === name);
  }

  clear(): void {
    this.#tasks = [];
  }
}

function describe(task: NewTask, now: number): EnqueuedTask | undefined {
  const envelope = decodeEnvelope(task.envelope);
  if ('corrupt' in envelope) return undefined;
  const { id, name, args, headers, meta, maxRetries, resultTtlMs } = envelope;
  const expires = task.expiresAt === undefined ? task.expiresInMs : new Date(task.expiresAt);
  const asked: { -readonly [K in keyof EnqueuedOptions]: EnqueuedOptions[K] | undefined } = {
    queue: task.queue,
    priority: task.priority,
    delay: task.delayMs,
    at: task.dueAt === undefined ? undefined : new Date(task.dueAt),
    expires,
    maxRetries,
    resultTtl: resultTtlMs,
    unique: task.unique ? true : undefined,
    uniqueFor: task.unique?.forMs,
  };
  const options = Object.fromEntries(
    Object.entries(asked).filter(([, value]) => value !== undefined),
  ) as unknown as EnqueuedOptions;
  return { id, name, args, headers, meta, options, enqueuedAt: new Date(now) };
}
