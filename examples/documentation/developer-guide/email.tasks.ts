import { Injectable } from '@nestjs/common';
import { defineTask, Task, type TaskArgs, type TaskContext } from 'nestjs-stem';

export interface SentEmail {
  readonly messageId: string;
}

export const SendEmail = defineTask<{ recipient: string }, SentEmail>('email.send', {
  maxRetries: 5, // one try and five retries
  softTimeLimit: '10s', // then ctx.signal aborts
  hardTimeLimit: '20s', // then the attempt has failed
});

@Injectable()
export class EmailTasks {
  @Task(SendEmail)
  async send(args: TaskArgs<typeof SendEmail>, ctx: TaskContext): Promise<SentEmail> {
    ctx.log.log(`sending to ${args.recipient}`);
    const response = await fetch('https://mail.example.com/send', {
      method: 'POST',
      body: JSON.stringify({ to: args.recipient, key: ctx.id }),
      signal: ctx.signal,
    });
    if (!response.ok) throw new Error(`The mail service answered ${response.status}`);
    await ctx.progress(1);
    return (await response.json()) as SentEmail;
  }
}
