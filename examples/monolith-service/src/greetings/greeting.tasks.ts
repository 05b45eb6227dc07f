import { Injectable } from '@nestjs/common';
import { defineTask, Task, type TaskArgs, type TaskContext } from 'nestjs-stem';

export interface Greeting {
  readonly message: string;
}

/** What the code that enqueues and the code that runs have in common: name, arguments, result. */
export const SendGreeting = defineTask<{ name: string }, Greeting>('greeting.send');

@Injectable()
export class GreetingTasks {
  @Task(SendGreeting)
  async send({ name }: TaskArgs<typeof SendGreeting>, context: TaskContext): Promise<Greeting> {
    await context.progress(0.5, { step: 'composed' });
    context.log.log(`Greeting ${name}`);
    await context.progress(1, { step: 'sent' });
    return { message: `Hello ${name}` };
  }
}
