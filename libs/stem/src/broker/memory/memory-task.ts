import { decodeEnvelope, type Envelope } from '../../core/envelope.js';
import type { TaskFailure } from '../../core/failure.js';
import type { TaskState } from '../../core/task-state.js';
import type { CancelRequest, Delivery, NewTask, Progress, TaskRecord } from '../broker.js';
import type { Listed } from './task-list.js';
import type { HeapTimer } from './timer-heap.js';

/** Who holds a running task, as far as the task has to know. */
export interface Holder {
  readonly id: string;
  readonly onCancelRequested: ((id: string, request: CancelRequest) => void) | undefined;
}

/** Name of a task whose envelope cannot be read. */
const UNREADABLE_NAME = '(unreadable)';

/** A task as it is kept: its fields are moved by the transitions, and by nothing else. */
export class MemoryTask implements Listed<MemoryTask> {
  readonly id: string;
  readonly queue: string;
  readonly priority: number;
  /** Kept encoded: every hand-out decodes its own copy, so a handler cannot alter the original. */
  readonly envelope: string;
  readonly unique: NewTask['unique'];
  readonly enqueuedAt: number;
  readonly expiresAt: number | undefined;

  state: TaskState = 'queued';
  attempt = 0;
  deliveries = 0;
  replays = 0;
  /** It has waited for its turn under a rate limit. */
  admitted = false;
  /** When it became ready; of one that never was, when it was enqueued. */
  readyAt: number;
  startedAt: number | undefined;
  finishedAt: number | undefined;
  /** The consumer that holds it or ended it. */
  worker: string | undefined;
  /** The latest progress as JSON, so that it does not change with the object it came from. */
  progress: string | undefined;
  result: string | undefined;
  failure: TaskFailure | undefined;
  reason: string | undefined;

  /** Among the ready ones, among what its consumer holds, or among the dead letters. */
  place = 0;
  previous: MemoryTask | undefined;
  next: MemoryTask | undefined;
  /** While it is `scheduled` or `retrying`. */
  dueTimer: HeapTimer<MemoryTask> | undefined;
  /** While it is `scheduled` or `queued` and can still expire. */
  expiryTimer: HeapTimer<MemoryTask> | undefined;
  /** While it is `running`. */
  holder: Holder | undefined;
  delivery: Delivery | undefined;
  cancelRequest: CancelRequest | undefined;
  /** End of its retention. */
  forgetAt: number | undefined;
  /** Told when it ends. */
  endListeners: Set<(task: MemoryTask) => void> | undefined;

  constructor(task: NewTask, now: number) {
    this.id = task.id;
    this.queue = task.queue;
    this.priority = task.priority;
    this.envelope = task.envelope;
    this.unique = task.unique;
    this.enqueuedAt = now;
    this.readyAt = now;
    this.expiresAt =
      task.expiresAt ?? (task.expiresInMs === undefined ? undefined : now + task.expiresInMs);
  }

  /** A fresh copy each time, so that whoever gets it may alter it; or why it is none of this task. */
  readEnvelope(): Envelope | { readonly corrupt: string } {
    const envelope = decodeEnvelope(this.envelope);
    if ('corrupt' in envelope || envelope.id === this.id) return envelope;
    return { corrupt: `its id is '${envelope.id}'` };
  }

  /** Forgets how it ended, to be run again as if for the first time. */
  startOver(): void {
    this.attempt = 0;
    this.deliveries = 0;
    this.replays++;
    this.admitted = false;
    this.startedAt = undefined;
    this.finishedAt = undefined;
    this.worker = undefined;
    this.progress = undefined;
    this.failure = undefined;
    this.reason = undefined;
  }

  /** What is told of it to the outside; a fresh copy each time. */
  toRecord(): TaskRecord {
    const envelope = this.readEnvelope();
    const content =
      'corrupt' in envelope
        ? { name: UNREADABLE_NAME, args: this.envelope, headers: {}, meta: {} }
        : {
            name: envelope.name,
            args: envelope.args,
            headers: envelope.headers,
            meta: envelope.meta,
          };
    return {
      id: this.id,
      queue: this.queue,
      priority: this.priority,
      ...content,
      state: this.state,
      attempt: this.attempt,
      deliveries: this.deliveries,
      replays: this.replays,
      enqueuedAt: this.enqueuedAt,
      startedAt: this.startedAt,
      finishedAt: this.finishedAt,
      notBefore: this.dueTimer?.at,
      worker: this.worker,
      progress: this.progress === undefined ? undefined : (JSON.parse(this.progress) as Progress),
      result: this.result,
      failure: this.failure,
      reason: this.reason,
    };
  }
}
