import { Injectable } from '@nestjs/common';
import { InjectStem, StemClient } from 'nestjs-stem';

@Injectable()
export class Orders {
  constructor(
    private readonly stem: StemClient,
    @InjectStem('billing') private readonly billing: StemClient,
  ) {}

  async place(orderId: string, recipient: string): Promise<void> {
    await this.billing.enqueue('card.charge', { orderId });
    await this.stem.enqueue('email.send', { recipient });
  }
}
