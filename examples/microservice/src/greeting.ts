import { defineTask } from 'nestjs-stem';

export interface GreetingArgs {
  readonly name: string;
  /** How long the greeting takes. */
  readonly holdMs?: number;
}

export interface Greeting {
  readonly message: string;
}

export const GREETINGS = 'greetings';

/** What the enqueuer and the worker have in common; the handler is the worker's own. */
export const SendGreeting = defineTask<GreetingArgs, Greeting>('greeting.send', {
  queue: GREETINGS,
});
