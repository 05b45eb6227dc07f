import { Injectable } from '@nestjs/common';
import { Database } from './database.js';

@Injectable()
export class OrdersService {
  constructor(private readonly db: Database) {}

  async place(orderId: string, recipient: string): Promise<void> {
    await this.db.transaction(async (tx) => {
      await tx.query('INSERT INTO orders (id) VALUES ($1)', [orderId]);
      await tx.query('INSERT INTO outbox (id, task, args) VALUES ($1, $2, $3)', [
        `placed-${orderId}`,
        'email.send',
        { recipient },
      ]);
    });
  }
}
