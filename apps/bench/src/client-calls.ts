import { Redis } from 'ioredis';

type SendCommand = typeof Redis.prototype.sendCommand;

let calls = 0;

/**
 * Counts what the ioredis clients of this process send from now on. The server's own count cannot tell
 * a client's call from a command inside a script.
 */
export function countClientCalls(): void {
  // eslint-disable-next-line @typescript-eslint/unbound-method -- called with its own `this` below
  const send: SendCommand = Redis.prototype.sendCommand;
  Redis.prototype.sendCommand = function (this: Redis, ...args: Parameters<SendCommand>) {
    calls++;
    return send.apply(this, args);
  };
}

/** Calls sent so far. */
export function clientCalls(): number {
  return calls;
}
