import { createHash } from 'node:crypto';
import type { StoredDefinition } from './definition.js';
import { type Timing, timingOf } from './timing.js';

/** The next time of a schedule: the tick's own, and when it is carried out. */
export interface NextOccurrence {
  readonly dueAt: number;
  readonly fireAt: number;
}

/** What to do about a schedule that is due. */
export interface TickPlan {
  /** The tick to run; nothing when all of them came too late. */
  readonly run: NextOccurrence | undefined;
  /** Ticks that are given up, or that the run stands for. Counted up to a thousand at a time. */
  readonly missed: number;
  readonly next: NextOccurrence | undefined;
}

/** Only so many late ticks are counted one by one; computing one costs tens of µs. */
const MAX_COUNTED = 1_000;

/** The ticks of one schedule, between its start and its end. */
export class Occurrences {
  readonly #id: string;
  readonly #definition: StoredDefinition;
  readonly #timing: Timing;

  /** @param timing of the definition's spec; shared by schedules that have the same. */
  constructor(
    id: string,
    definition: StoredDefinition,
    timing: Timing = timingOf(definition.spec, definition.anchor),
  ) {
    this.#id = id;
    this.#definition = definition;
    this.#timing = timing;
  }

  /** The first tick after a time. */
  after(time: number): NextOccurrence | undefined {
    return this.#planned(this.#dueAfter(time));
  }

  /** Decides about a tick that has come, by its own time, at `now`. */
  plan(dueAt: number, now: number): TickPlan {
    const { misfire, graceMs } = this.#definition;
    const tick = this.#planned(dueAt) as NextOccurrence;
    const onTime: TickPlan = {
      run: tick,
      missed: 0,
      next: this.#planned(this.#dueFollowing(dueAt)),
    };
    // A first tick that is on time, or whose jitter has not passed yet, is nobody's misfire.
    if (misfire === 'all' || now - tick.fireAt <= graceMs) return onTime;

    const keptFrom = misfire === 'skip' ? now - graceMs : Infinity;
    let latest = dueAt;
    let missed = 0;
    let next = this.#dueFollowing(dueAt);
    while (next !== undefined && next <= now && next < keptFrom) {
      if (missed === MAX_COUNTED) {
        // Skip ahead: the exact number is worth less than the time it takes.
        const ahead = this.#lastUntil(Math.min(now, keptFrom - 1), next);
        latest = ahead;
        next = this.#dueFollowing(ahead);
        continue;
      }
      missed++;
      latest = next;
      next = this.#dueFollowing(next);
    }
    return misfire === 'once'
      ? { run: this.#planned(latest), missed, next: this.#planned(next) }
      : { run: undefined, missed: missed + 1, next: this.#planned(next) };
  }

  /** The last tick at or before `time`, known to be at `from` or later. */
  #lastUntil(time: number, from: number): number {
    let found = from;
    const following = this.#dueFollowing(from);
    let step = following === undefined ? 1_000 : Math.max(following - from, 1_000);
    // Looks back in growing steps for a tick, then walks on from there.
    for (; time - step > from; step *= 2) {
      const candidate = this.#dueAfter(time - step);
      if (candidate !== undefined && candidate <= time) {
        found = candidate;
        break;
      }
    }
    for (let next = this.#dueFollowing(found); next !== undefined && next <= time;) {
      found = next;
      next = this.#dueFollowing(next);
    }
    return found;
  }

  #dueAfter(time: number): number | undefined {
    const { startAt } = this.#definition;
    const from = startAt === undefined ? time : Math.max(time, startAt - 1);
    return this.#untilEnd(this.#timing.next(from));
  }

  #dueFollowing(tick: number): number | undefined {
    return this.#untilEnd(this.#timing.following(tick));
  }

  #untilEnd(dueAt: number | undefined): number | undefined {
    const { endAt } = this.#definition;
    return dueAt === undefined || (endAt !== undefined && dueAt > endAt) ? undefined : dueAt;
  }

  #planned(dueAt: number | undefined): NextOccurrence | undefined {
    if (dueAt === undefined) return undefined;
    const { jitterMs } = this.#definition;
    if (jitterMs === 0) return { dueAt, fireAt: dueAt };
    // Never past the next tick: ticks are carried out in their order.
    const following = this.#timing.following(dueAt);
    const most = following === undefined ? jitterMs : Math.min(jitterMs, following - dueAt);
    return { dueAt, fireAt: dueAt + jitterOf(this.#id, dueAt, most) };
  }
}

/** From 0 to below `mostMs`, evenly spread, and the same for everybody who asks about this tick. */
function jitterOf(id: string, dueAt: number, mostMs: number): number {
  const hash = createHash('sha256').update(`${id}\n${dueAt}`).digest().readUInt32BE(0);
  return Math.floor((hash / 2 ** 32) * mostMs);
}
