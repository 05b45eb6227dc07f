/** Stands for a payment service, which remembers the keys that it has seen. */
export class Payments {
  readonly charged: string[] = [];
  readonly #receipts = new Map<string, string>();

  async charge(orderId: string, { idempotencyKey }: { idempotencyKey: string }): Promise<string> {
    const known = this.#receipts.get(idempotencyKey);
    if (known !== undefined) return known;
    this.charged.push(orderId);
    const receipt = `receipt-${this.charged.length}`;
    this.#receipts.set(idempotencyKey, receipt);
    return receipt;
  }
}

/** Stands for a machine of which nobody knows, after an error, whether it has printed. */
export class Printer {
  readonly printed: string[] = [];
  jamsAfterPrinting = false;

  async print(letterId: string): Promise<void> {
    this.printed.push(letterId);
    if (this.jamsAfterPrinting) throw new Error('paper jam');
  }
}
