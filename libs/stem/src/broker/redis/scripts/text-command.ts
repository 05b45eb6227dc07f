import { Command } from 'ioredis';

/**
 * A call as ioredis sends and answers it, without what its own calls spend on arguments of any kind and on a
 * timer for each: ours are texts, and `RedisConnection` bounds its calls by itself.
 */
export class TextCommand extends Command {
  constructor(name: 'evalsha' | 'eval', args: string[]) {
    super(name, [], { replyEncoding: 'utf8' });
    // The constructor would copy them one by one to flatten them.
    this.args = args;
  }

  override setTimeout(): void {
    // See above.
  }
}
