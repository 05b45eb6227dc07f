/**
 * The life of a task as data.
 *
 * Every move of a task is one named transition. Brokers execute each transition in one atomic step;
 * the client, the worker, the signals and the documentation use these verbs and no others.
 */

/** Every state a task can be in. A task is in exactly one of them. */
export const TASK_STATES = [
  /** Waits for its due time. */
  'scheduled',
  /** Ready: the next free worker of its queue takes it. */
  'queued',
  /** Handed out to a worker that holds a lease. */
  'running',
  /** An attempt failed; waits for the due time of the next one. */
  'retrying',
  /** Finished with a result. */
  'succeeded',
  /** Gave up; kept as a dead letter until it is replayed or purged. */
  'failed',
  /** Ended on request. */
  'cancelled',
  /** Was still waiting when its expiry came. */
  'expired',
] as const;

/** One of {@link TASK_STATES}. */
export type TaskState = (typeof TASK_STATES)[number];

/** States that no transition leaves, except `replay` for `failed`. */
export const TERMINAL_STATES = ['succeeded', 'failed', 'cancelled', 'expired'] as const;

/** One of {@link TERMINAL_STATES}. */
export type TerminalState = (typeof TERMINAL_STATES)[number];

/** One named move of a task from state to state. */
export interface Transition {
  /** States from which the move is legal; empty for `enqueue`, which starts from nothing. */
  readonly from: readonly TaskState[];
  /** States in which the task can be afterwards. */
  readonly to: readonly TaskState[];
  /** Whether only the consumer that holds the task may do it. */
  readonly owned: boolean;
}

/**
 * The transition table: the specification that every broker implements and that the contract suite
 * walks, legal and illegal pairs alike.
 */
export const TRANSITIONS = {
  /** Accept a new task, under its unique and id claims. */
  enqueue: { from: [], to: ['queued', 'scheduled'], owned: false },
  /** Make a task ready whose due time has come by the server's clock. */
  promote: { from: ['scheduled', 'retrying'], to: ['queued'], owned: false },
  /** Hand a ready task out under the consumer's lease. */
  claim: { from: ['queued'], to: ['running'], owned: false },
  /** Extend the consumer's lease, and with it the hold on all its tasks. */
  renew: { from: ['running'], to: ['running'], owned: true },
  /** Settle with a result. */
  complete: { from: ['running'], to: ['succeeded'], owned: true },
  /** Settle this attempt as failed and wait for the next one; a cancel asked for meanwhile wins. */
  retry: { from: ['running'], to: ['retrying', 'cancelled'], owned: true },
  /** Settle as failed for good: a dead letter with its reason. */
  fail: { from: ['running'], to: ['failed'], owned: true },
  /** Put the task off until its turn under a rate limit: neither an attempt nor a delivery is spent. */
  postpone: { from: ['running'], to: ['scheduled', 'cancelled'], owned: true },
  /** Give the task back unharmed: neither an attempt nor a delivery is spent. */
  release: { from: ['running'], to: ['queued', 'cancelled'], owned: true },
  /** Take tasks from a consumer whose lease ran out. */
  reclaim: { from: ['running'], to: ['queued', 'failed', 'cancelled'], owned: false },
  /** End a waiting task at once; ask a running one to stop. */
  cancel: {
    from: ['scheduled', 'queued', 'retrying', 'running'],
    to: ['cancelled', 'running'],
    owned: false,
  },
  /** Settle a running task as cancelled, after it was asked to stop. */
  abandon: { from: ['running'], to: ['cancelled'], owned: true },
  /** Settle a task that was still waiting when its expiry came. */
  expire: { from: ['scheduled', 'queued'], to: ['expired'], owned: false },
  /** Start a dead letter over: attempts begin again, the replay is counted. */
  replay: { from: ['failed'], to: ['queued', 'scheduled'], owned: false },
} as const satisfies Record<string, Transition>;

/** The verb of a transition: a key of {@link TRANSITIONS}. */
export type Verb = keyof typeof TRANSITIONS;

/** Whether `verb` is a legal move from `state`; pass `undefined` for a task that does not exist. */
export function isLegal(verb: Verb, state: TaskState | undefined): boolean {
  const { from }: Transition = TRANSITIONS[verb];
  return state === undefined ? from.length === 0 : from.includes(state);
}

/** Whether a task in `state` has come to its end. */
export function isTerminal(state: TaskState): state is TerminalState {
  return (TERMINAL_STATES as readonly TaskState[]).includes(state);
}
