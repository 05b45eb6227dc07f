import { Injectable } from '@nestjs/common';
import { defineTask, Task, type TaskArgs, type TaskResult } from 'nestjs-stem';

export const SendEmail = defineTask<{ recipient: string }, { messageId: string }>('email.send', {
  maxRetries: 2,
});

@Injectable()
export class EmailTasks {
  #sent = 0;
  failures = 0;

  @Task(SendEmail)
  send({ recipient }: TaskArgs<typeof SendEmail>): TaskResult<typeof SendEmail> {
    if (this.failures > 0) {
      this.failures--;
      throw new Error(`no answer from the server of ${recipient}`);
    }
    return { messageId: String(++this.#sent) };
  }
}
