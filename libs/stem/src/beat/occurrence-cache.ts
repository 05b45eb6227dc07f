import type { DueSchedule } from '../broker/schedule-store.js';
import type { StoredDefinition } from '../schedule/definition.js';
import { Occurrences } from '../schedule/occurrences.js';
import { type Timing, timingOf } from '../schedule/timing.js';

/** Reading a cron expression takes some hundred µs; this many are remembered. */
const MAX_REMEMBERED = 20_000;

/** The occurrences of schedules; specs that are equal are read, and their next ticks computed, once. */
export class OccurrenceCache {
  readonly #timings = new Map<string, Timing>();

  /** @throws {Error} when this version cannot read the spec. */
  of({ id }: DueSchedule, definition: StoredDefinition): Occurrences {
    const { spec, anchor } = definition;
    const key = spec.kind === 'every' ? `${spec.everyMs}@${anchor}` : JSON.stringify(spec);
    let timing = this.#timings.get(key);
    if (!timing) {
      timing = timingOf(spec, anchor);
      // A kind of spec that a later version has written.
      if (!timing)
        throw new Error(`its spec of kind '${(spec as { kind: string }).kind}' is unknown`);
      if (this.#timings.size >= MAX_REMEMBERED) this.#timings.clear();
      this.#timings.set(key, timing);
    }
    return new Occurrences(id, definition, timing);
  }
}
