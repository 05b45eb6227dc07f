/** What the application has besides its tasks; tests replace it. */
export abstract class Mailer {
  abstract sendDigest(userId: string, signal: AbortSignal): Promise<void>;
  abstract sendInvoice(invoiceId: string): Promise<void>;
}

export abstract class CardGateway {
  abstract charge(orderId: string, options: { idempotencyKey: string }): Promise<string>;
}

export abstract class Shop {
  abstract importRow(row: number): Promise<void>;
}

export class ServiceUnavailable extends Error {}
export class InvalidAddress extends Error {}

export function isTimeout(error: unknown): boolean {
  return (
    typeof error === 'object' && error !== null && 'name' in error && error.name === 'TimeoutError'
  );
}
