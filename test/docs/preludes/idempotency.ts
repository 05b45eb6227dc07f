import { defineTask } from 'nestjs-stem';

interface Rows {
  query(sql: string, values: unknown[]): Promise<{ id: string; task: string; args: unknown }[]>;
}

export const ChargeCard = defineTask<{ orderId: string }, { receipt: string }>('card.charge');
export const SendEmail = defineTask<{ recipient: string }>('email.send');
export declare const orderId: string;
export declare const payments: {
  charge(orderId: string, options: { idempotencyKey: string }): Promise<string>;
};
export declare const printer: { print(letterId: string): Promise<void> };
export declare const db: Rows & {
  transaction(work: (tx: Rows) => Promise<void>): Promise<void>;
};
export declare function importNextThousand(
  importId: string,
): Promise<{ done: number; total: number }>;
