import { parseDuration } from '../core/duration.js';
import { StemConfigError, StemError, type StemErrorInit } from '../core/errors.js';
import type { RetryRequestOptions } from '../core/task-context.js';

/** Thrown by `ctx.retry`. Handlers let it pass through. */
export class RetryRequest extends StemError {
  readonly code = 'STEM_RETRY_REQUESTED';
  readonly delayMs: number | undefined;
  readonly dueAt: number | undefined;

  constructor(
    reason: string | undefined,
    when: { delayMs: number | undefined; dueAt: number | undefined },
    init: StemErrorInit,
  ) {
    super(reason ?? 'The handler asked for another attempt.', init);
    this.delayMs = when.delayMs;
    this.dueAt = when.dueAt;
  }

  /** @throws {StemConfigError} when `delay` is no duration, or `at` no valid date. */
  static from({ delay, at, reason }: RetryRequestOptions, init: StemErrorInit): RetryRequest {
    if (at !== undefined && !(at instanceof Date && !Number.isNaN(at.getTime()))) {
      throw new StemConfigError({ option: 'retry at', value: at, expected: 'a valid Date' }, init);
    }
    const delayMs = delay === undefined ? undefined : parseDuration(delay, 'retry delay');
    return new RetryRequest(reason, { delayMs, dueAt: at?.getTime() }, init);
  }
}
