import { setTimeout } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { Task, type TaskContext } from 'nestjs-stem';
import { type Greeting, type GreetingArgs, SendGreeting } from '../greeting.js';

@Injectable()
export class GreetingTasks {
  @Task(SendGreeting)
  async send({ name, holdMs = 0 }: GreetingArgs, context: TaskContext): Promise<Greeting> {
    context.log.log(`started, delivery ${context.deliveries}`);
    // The signal aborts when the worker can wait no longer: the greeting then goes back to its queue.
    await setTimeout(holdMs, undefined, { signal: context.signal });
    return { message: `Hello ${name}` };
  }
}
