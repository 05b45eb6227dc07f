import { StemError, type StemErrorInit } from '../core/errors.js';

/** A schedule that cannot be: its spec, zone or an option, with the reason. */
export class ScheduleError extends StemError {
  readonly code = 'STEM_SCHEDULE_INVALID';
  /** The schedule's id, where it is known. */
  readonly scheduleId: string | undefined;

  constructor(message: string, init: StemErrorInit & { scheduleId?: string | undefined } = {}) {
    super(message, init);
    this.scheduleId = init.scheduleId;
  }
}

/** No schedule of this id exists. */
export class ScheduleNotFoundError extends StemError {
  readonly code = 'STEM_SCHEDULE_NOT_FOUND';

  constructor(readonly scheduleId: string) {
    super(`There is no schedule '${scheduleId}'; \`stem.schedules.list()\` shows those there are.`);
  }
}
