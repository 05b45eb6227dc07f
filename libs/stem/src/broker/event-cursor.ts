import { StemConfigError } from '../core/errors.js';

/** What a store throws that is given a cursor which is none of its own. */
export function notACursor(text: string): StemConfigError {
  return new StemConfigError({
    option: 'after',
    value: text,
    expected: 'the cursor of an event, or 0 for all that are kept',
  });
}
