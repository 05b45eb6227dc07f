import { defineTask } from 'nestjs-stem';

export class ServiceUnavailable extends Error {}
export class InvalidAddress extends Error {}
export const ChargeCard = defineTask<{ orderId: string }, { receipt: string }>('card.charge');
export const SendEmail = defineTask<{ recipient: string }>('email.send');
export declare const orderId: string;
export declare function isTimeout(error: unknown): boolean;
export declare function sendDigest(userId: string, signal: AbortSignal): Promise<void>;
export declare function hashInOneGo(path: string): string;
export declare function importRow(row: number): Promise<void>;
export declare const payments: {
  charge(orderId: string, options: { idempotencyKey: string }): Promise<string>;
};
