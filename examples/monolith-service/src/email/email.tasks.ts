import { Injectable } from '@nestjs/common';
import { defineTask, Task, type TaskArgs, type TaskContext } from 'nestjs-stem';
import { type Email, Mailer, type SentEmail } from './mailer.js';

/** One try and five retries, with pauses of 1, 2, 4, 8 and 16 seconds, less up to a quarter. */
export const SendEmail = defineTask<Email, SentEmail>('email.send', { maxRetries: 5 });

@Injectable()
export class EmailTasks {
  constructor(private readonly mailer: Mailer) {}

  @Task(SendEmail)
  async send(email: TaskArgs<typeof SendEmail>, context: TaskContext): Promise<SentEmail> {
    return this.mailer.send(context.id, email);
  }
}
