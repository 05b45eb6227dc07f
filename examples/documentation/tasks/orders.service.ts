import { Injectable } from '@nestjs/common';
import { StemClient } from 'nestjs-stem';
import { ChargeCard } from './charge-card.js';

@Injectable()
export class Orders {
  constructor(private readonly stem: StemClient) {}

  async pay(orderId: string): Promise<string> {
    const task = await this.stem.enqueue(ChargeCard, { orderId }); // anything else does not compile
    const { receipt } = await task.result();
    return receipt;
  }

  async payOnce(orderId: string): Promise<boolean> {
    const task = await this.stem.enqueue(ChargeCard, { orderId }, { id: `charge-${orderId}` });
    return task.created; // false: it was enqueued before, and its record is still kept
  }
}
