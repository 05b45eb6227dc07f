/**
 * The server's clock, as told by its last answer and carried on by this process's monotonic clock: it
 * neither jumps nor depends on how the machine's own clock is set.
 */
export class ServerClock {
  #serverMs = Date.now();
  #heardAtMs = performance.now();

  /** Takes note of a time that the server has just sent. */
  heard(serverMs: number): void {
    this.#serverMs = serverMs;
    this.#heardAtMs = performance.now();
  }

  now(): number {
    return Math.round(this.#serverMs + performance.now() - this.#heardAtMs);
  }
}
