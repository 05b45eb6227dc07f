import { resultKeyOf, type ResultBackend, type TaskRecord } from '../broker/broker.js';
import { BrokerCommandError } from '../core/errors.js';
import type { TaskFailure } from '../core/failure.js';
import type { JsonObject, JsonValue } from '../core/json.js';
import type { TaskState } from '../core/task-state.js';

/** What is known of a task. */
export interface TaskStatus<TResult = unknown> {
  readonly id: string;
  readonly name: string;
  readonly state: TaskState;
  /** Errors so far: 0 for the first try. */
  readonly attempt: number;
  /** How often it was handed out to a worker. */
  readonly deliveries: number;
  readonly queue: string;
  readonly args: JsonValue;
  readonly headers: Readonly<Record<string, string>>;
  readonly meta: JsonObject;
  /** The latest progress a handler reported. */
  readonly progress:
    { readonly fraction: number; readonly data: JsonValue | undefined } | undefined;
  /** What the handler returned, once it `succeeded`. */
  readonly result: TResult | undefined;
  /** The last failure, also while another try is coming. */
  readonly error: TaskFailure | undefined;
  readonly enqueuedAt: Date;
  /** Start of the latest attempt. */
  readonly startedAt: Date | undefined;
  readonly finishedAt: Date | undefined;
  /** Due time while it is `scheduled` or `retrying`. */
  readonly notBefore: Date | undefined;
  /** The worker that runs it or ended it: its name plus a boot id. */
  readonly worker: string | undefined;
}

/** A task that gave up. */
export interface DeadLetter extends TaskStatus {
  /** Why it gave up, such as `retries-exhausted`. */
  readonly reason: string | undefined;
  readonly priority: number;
  /** How often it was started over already. */
  readonly replays: number;
}

/** Shows a broker's record to users; `result` was read before, see {@link readResult}. */
export function statusOf<TResult>(
  record: TaskRecord,
  result: TResult | undefined,
): TaskStatus<TResult> {
  const { progress } = record;
  return {
    id: record.id,
    name: record.name,
    state: record.state,
    attempt: record.attempt,
    deliveries: record.deliveries,
    queue: record.queue,
    args: record.args,
    headers: record.headers,
    meta: record.meta,
    progress: progress && { fraction: progress.fraction, data: progress.data },
    result,
    error: record.failure,
    enqueuedAt: new Date(record.enqueuedAt),
    startedAt: dateOf(record.startedAt),
    finishedAt: dateOf(record.finishedAt),
    notBefore: dateOf(record.notBefore),
    worker: record.worker,
  };
}

export function deadLetterOf(record: TaskRecord): DeadLetter {
  const { reason, priority, replays } = record;
  return { ...statusOf(record, undefined), reason, priority, replays };
}

function dateOf(ms: number | undefined): Date | undefined {
  return ms === undefined ? undefined : new Date(ms);
}

/** What became of a kept result. */
export type KeptResult =
  | { readonly found: true; readonly value: unknown }
  /** `no-backend`: it lives in a result backend, and this Stem has none. */
  | { readonly found: false; readonly why: 'forgotten' | 'no-backend' };

/** Reads the result of a task that succeeded, from its record or from the backend it refers to. */
export async function readResult(
  record: TaskRecord,
  resultBackend: ResultBackend | undefined,
): Promise<KeptResult> {
  const { result: kept, id, name, queue } = record;
  if (kept === undefined) return { found: true, value: undefined };
  const key = resultKeyOf(kept);
  let text: string | undefined = kept;
  if (key !== undefined) {
    if (!resultBackend) return { found: false, why: 'no-backend' };
    text = await resultBackend.get(key);
    if (text === undefined) return { found: false, why: 'forgotten' };
  }
  try {
    return { found: true, value: JSON.parse(text) };
  } catch (cause) {
    throw new BrokerCommandError(`The kept result of task '${id}' is not JSON.`, {
      taskId: id,
      taskName: name,
      queue,
      cause,
    });
  }
}
