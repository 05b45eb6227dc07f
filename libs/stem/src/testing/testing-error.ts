import { StemError } from '../core/errors.js';

/** A test asks for something that cannot be; the message says what to do instead. */
export class StemTestingError extends StemError {
  readonly code = 'STEM_TESTING';
}
