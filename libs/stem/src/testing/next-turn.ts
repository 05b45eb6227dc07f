import { setImmediate, setTimeout } from 'node:timers/promises';

/** Lets everything happen that is about to. Real, also where a test fakes the global timers. */
export function nextTurn(): Promise<void> {
  return setImmediate();
}

/** A pause in which others get something done. */
export function shortPause(): Promise<void> {
  return setTimeout(1);
}
