import { Injectable } from '@nestjs/common';
import { Task } from 'nestjs-stem';

/** Names no Stem, so whichever Stem it is enqueued at runs it. */
@Injectable()
export class MailTasks {
  @Task('mail.send')
  send(): void {}
}
