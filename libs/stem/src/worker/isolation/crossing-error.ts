import * as errors from '../../core/errors.js';
import { describeFailure, reviveFailure, type TaskFailure } from '../../core/failure.js';

/** An error on its way to another thread: structured clone would drop its class, code and fields. */
export interface CrossingError {
  readonly failure: TaskFailure;
  /** Further fields of an error of this library. */
  readonly fields: Readonly<Record<string, string | number>>;
}

export function packError(error: unknown): CrossingError {
  const fields: Record<string, string | number> = {};
  if (error instanceof errors.StemError) {
    for (const [key, value] of Object.entries(error)) {
      if (typeof value === 'string' || typeof value === 'number') fields[key] = value;
    }
  }
  return { failure: describeFailure(error), fields };
}

/** An error as it was; errors of this library have their class again, others are plain errors. */
export function unpackError({ failure, fields }: CrossingError): Error {
  const error = reviveFailure(failure);
  const known = (errors as Record<string, unknown>)[failure.name];
  if (fields.code !== undefined && isErrorClass(known)) {
    Object.setPrototypeOf(error, known.prototype);
    Object.assign(error, fields);
  }
  return error;
}

function isErrorClass(value: unknown): value is { readonly prototype: errors.StemError } {
  return typeof value === 'function' && value.prototype instanceof errors.StemError;
}
