import { Injectable } from '@nestjs/common';
import { Task } from 'nestjs-stem';

@Injectable()
export class EmailTasks {
  @Task('email.send', 5) // when it throws, five more tries
  async send(args: { recipient: string }) {
    console.log(`sending to ${args.recipient}`);
    return { sentTo: args.recipient };
  }
}
