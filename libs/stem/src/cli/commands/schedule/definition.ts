import type { ScheduleDefinition } from '../../../schedule/definition.js';
import type { ScheduleSpec } from '../../../schedule/spec.js';

/**
 * A spec as it is written on a command line: a cron expression or `every:5m` as it is, any other form as
 * JSON, such as `{"solar":"sunset","latitude":52.5,"longitude":13.4}`.
 */
export function specOf(text: string): ScheduleSpec {
  if (!text.trimStart().startsWith('{')) return text;
  try {
    return JSON.parse(text) as ScheduleSpec;
  } catch {
    return text; // refused by the library, with the reason
  }
}

/** Leaves out what is not given. */
export function definitionOf(
  given: Record<string, unknown> & { id: string; task: string; spec: ScheduleSpec },
): ScheduleDefinition {
  return Object.fromEntries(
    Object.entries(given).filter(([, value]) => value !== undefined),
  ) as unknown as ScheduleDefinition;
}
