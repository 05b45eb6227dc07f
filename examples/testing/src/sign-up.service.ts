import { Injectable } from '@nestjs/common';
import { StemClient } from 'nestjs-stem';
import { AskForFeedback, SendWelcome } from './tasks.js';

@Injectable()
export class SignUpService {
  constructor(private readonly stem: StemClient) {}

  /** Returns the id of the task that welcomes the user. */
  async signUp(email: string): Promise<string> {
    const welcome = await this.stem.enqueue(SendWelcome, { email });
    await this.stem.enqueue(AskForFeedback, { email }, { delay: '7d', headers: { email } });
    return welcome.id;
  }
}
