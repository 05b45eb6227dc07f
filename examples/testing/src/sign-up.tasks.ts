import { Injectable } from '@nestjs/common';
import { Schedule, Task, type TaskArgs, type TaskResult } from 'nestjs-stem';
import { Mailer } from './mailer.js';
import { AskForFeedback, SendWelcome } from './tasks.js';

@Injectable()
export class SignUpTasks {
  constructor(private readonly mailer: Mailer) {}

  @Task(SendWelcome)
  async welcome({ email }: TaskArgs<typeof SendWelcome>): Promise<TaskResult<typeof SendWelcome>> {
    return { messageId: await this.mailer.send(email, 'Welcome') };
  }

  @Task(AskForFeedback)
  async askForFeedback({ email }: TaskArgs<typeof AskForFeedback>): Promise<void> {
    await this.mailer.send(email, 'How do you like it?');
  }

  @Task('report.send')
  @Schedule('0 8 * * MON', { timezone: 'Europe/Berlin' })
  async report(): Promise<void> {
    await this.mailer.send('boss@example.com', 'The week');
  }
}
