/**
 * Shares a claim out over partitions.
 *
 * Partitions are asked side by side, each for its part of the room, beginning with another one each
 * time; room that is left is offered to those that had enough to fill their part, or were not asked.
 * The sum never exceeds what was asked for, which keeps the prefetch limit strict.
 */
export class ClaimRounds {
  readonly #partitions: number;
  #first = 0;

  constructor(partitions: number) {
    this.#partitions = partitions;
  }

  /** @param ask claims up to `share` tasks from a partition and says how many it got. */
  async run(
    max: number,
    ask: (partition: number, share: number) => Promise<number>,
  ): Promise<void> {
    if (this.#partitions === 1) {
      await ask(0, max);
      return;
    }
    const first = this.#first++;
    let candidates = Array.from(
      { length: this.#partitions },
      (_, index) => (first + index) % this.#partitions,
    );
    let left = max;
    while (left > 0 && candidates.length > 0) {
      const asked = candidates.slice(0, left);
      const share = Math.floor(left / asked.length);
      const extra = left % asked.length;
      const shares = asked.map((_, index) => share + (index < extra ? 1 : 0));
      const got = await Promise.all(
        asked.map((partition, index) => ask(partition, shares[index] ?? 0)),
      );
      left -= got.reduce((sum, count) => sum + count, 0);
      candidates = [
        ...candidates.slice(asked.length),
        ...asked.filter((_, index) => got[index] === shares[index]),
      ];
    }
  }
}
