import type { TerminalState } from 'nestjs-stem';
import type { TaskKind } from './ledger.js';

/** Where the tasks go whose fate is checked. */
export const QUEUE = 'chaos';
/** For tasks that an operator replays and discards. */
export const OPERATOR_QUEUE = 'operated';
/** Served by nobody: for pausing and purging. */
export const IDLE_QUEUE = 'idle';

/** Makes a producer enqueue many tasks at once. */
export const BURST_SIGNAL = 'SIGUSR2';

export interface ChaosArgs {
  readonly n: number;
}

export const nameOf = (kind: TaskKind): string => `chaos.${kind}`;

/** Errors before the attempt that succeeds. */
export const flakyErrors = (n: number): number => 1 + (n % 2);

/** What a task of a kind must come to, and with which result, wherever and however often it ran. */
export function expectedEnd(
  kind: TaskKind,
  id: string,
  n: number,
): { readonly states: readonly TerminalState[]; readonly result: unknown } {
  switch (kind) {
    case 'doomed':
      return { states: ['failed'], result: undefined };
    case 'cancelled':
      // A cancel may come too late, or its caller may have been killed.
      return { states: ['cancelled', 'succeeded'], result: { n, kind } };
    case 'flaky':
      return { states: ['succeeded'], result: { n, kind, errors: flakyErrors(n) } };
    case 'parent':
      return { states: ['succeeded'], result: { n, kind, child: childOf(id) } };
    case 'large':
      return { states: ['succeeded'], result: { n, kind, text: largeText(n) } };
    default:
      return { states: ['succeeded'], result: { n, kind } };
  }
}

/** Written ahead of the call that completes its task, which a small result is not. */
export const largeText = (n: number): string => String(n % 10).repeat(6_000);

export const childOf = (id: string): string => `${id}-child`;

/** How often each kind comes, relative to the others. */
export const WEIGHTS: Readonly<Record<Exclude<TaskKind, 'child'>, number>> = {
  quick: 30,
  slow: 25,
  long: 0.3,
  flaky: 8,
  doomed: 4,
  progress: 6,
  large: 6,
  parent: 6,
  limited: 6,
  unique: 5,
  delayed: 6,
  expiring: 5,
  cancelled: 4,
};
