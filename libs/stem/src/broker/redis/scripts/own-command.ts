import { Command } from 'ioredis';

/**
 * A call as ioredis sends and answers it, without what its own leave behind: a timer for each, which
 * `RedisConnection` does not need to bound its calls, and calls that outlive their answers.
 */
export abstract class OwnCommand extends Command {
  override setTimeout(): void {
    // See above.
  }
}

/**
 * Makes the promise of a call; ioredis' constructor calls it, by this name. Its own way assigns function literals to
 * properties of the call. V8 takes such a function for one that stays, and places it in the old generation (its
 * parser's "pretenure"): the call with all its arguments is then kept until the next full garbage collection, and
 * each collection of the young generation has all calls since to copy. Under another name ioredis' own would be
 * used, and all would work.
 */
Object.defineProperty(OwnCommand.prototype, 'initPromise', {
  value(this: OwnCommand): void {
    this.isResolved = false;
    this.isSettled = false;
    this.promise = new Promise((resolve, reject) => {
      // Not assigned as a literal, see above.
      const answer = (reply: Buffer): void => {
        this.isSettled = true;
        this.isResolved = true;
        try {
          resolve(this.transformReply(reply));
        } catch (error) {
          this.reject(error as Error);
        }
      };
      this.resolve = answer;
      this.reject = reject;
    });
  },
});
