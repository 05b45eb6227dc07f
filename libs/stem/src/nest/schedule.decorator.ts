import type { ScheduleOptions } from '../schedule/definition.js';
import type { ScheduleSpec } from '../schedule/spec.js';
import { addMetadata, SCHEDULE_METADATA, type ScheduleMetadata } from './stem.constants.js';

/**
 * Enqueues the task of a `@Task` method or class again and again, once per tick whatever the number of
 * processes. May stand several times, with an `id` each.
 *
 * @param spec when: `'0 2 * * *'`, `'every:5m'`, `{ cron, timezone }`, `{ every }`, `{ at: Date }`,
 *   `{ solar: 'sunset', latitude, longitude }`, or a `CronExpression` of @nestjs/schedule.
 * @param options checked at boot, like the spec: what cannot work fails with an error that names the
 *   place and the reason.
 */
export function Schedule(
  spec: ScheduleSpec,
  options: ScheduleOptions = {},
): ClassDecorator & MethodDecorator {
  const metadata: ScheduleMetadata = { spec, options };
  return (target: object, _method?: string | symbol, descriptor?: PropertyDescriptor) =>
    addMetadata(SCHEDULE_METADATA, metadata, (descriptor?.value as object | undefined) ?? target);
}
