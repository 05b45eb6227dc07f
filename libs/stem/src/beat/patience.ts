/** Ticks that could not be carried out here, and since when: they are left to others for a while. */
export class Patience {
  readonly #lengthMs: number;
  readonly #since = new Map<string, number>();

  constructor(lengthMs: number) {
    this.#lengthMs = lengthMs;
  }

  /** Whether this is the first time that it is met; from now on it is known. */
  isNew(key: string, now: number): boolean {
    if (this.#since.has(key)) return false;
    this.#since.set(key, now);
    return true;
  }

  /** Whether it has been met for long enough; the first time, never. */
  isOver(key: string, now: number): boolean {
    if (this.isNew(key, now)) return false;
    return now - (this.#since.get(key) as number) >= this.#lengthMs;
  }

  /** When patience with the next of them ends; those that are long gone are forgotten. */
  endsAt(now: number): number | undefined {
    let first: number | undefined;
    for (const [key, since] of this.#since) {
      const end = since + this.#lengthMs;
      // Met at every look while it lasted, so somebody else must have carried it out.
      if (now - end > this.#lengthMs) this.#since.delete(key);
      else if (end > now && (first === undefined || end < first)) first = end;
    }
    return first;
  }

  end(key: string): void {
    this.#since.delete(key);
  }
}
