/**
 * How many handlers may run at once in this process. It outlives a lost lease: handlers that were told to
 * stop, but still run, go on taking up their slots.
 */
export class Slots {
  readonly limit: number;
  #taken = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  get taken(): number {
    return this.#taken;
  }

  /** Takes a slot, if one is free. */
  tryTake(): boolean {
    if (this.#taken >= this.limit) return false;
    this.#taken++;
    return true;
  }

  free(): void {
    this.#taken--;
  }
}
