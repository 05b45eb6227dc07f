import { Injectable } from '@nestjs/common';
import { StemClient } from 'nestjs-stem';
import { SendEmail } from './email.tasks.js';

@Injectable()
export class SignUps {
  constructor(private readonly stem: StemClient) {}

  async signUp(userId: string, recipient: string): Promise<string> {
    const task = await this.stem.enqueue(
      SendEmail,
      { recipient },
      { id: `welcome-${userId}`, headers: { tenant: 'billing' }, delay: '30s' },
    );
    return task.id;
  }
}
