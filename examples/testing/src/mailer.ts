import { Injectable } from '@nestjs/common';

/** Stands for a client of a mail server; tests replace it. */
@Injectable()
export class Mailer {
  async send(_to: string, _subject: string): Promise<string> {
    throw new Error('There is no mail server in this example');
  }
}
