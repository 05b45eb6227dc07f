import { StemError, type StemErrorInit } from '../core/errors.js';

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
}
