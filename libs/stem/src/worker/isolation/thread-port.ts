import type { MessagePort } from 'node:worker_threads';
import type { Broker, ResultBackend } from '../../broker/broker.js';
import { unpackError } from './crossing-error.js';
import type { ContextMethod, FromThread, StoreKind, ToThread } from './protocol.js';
import { type RemoteCall, remoteBroker, remoteResultBackend } from './remote-store.js';
import type { ThreadLink } from './thread-link.js';

interface Call {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** A thread's end of the port to the main thread: what it tells, and what it asks and is answered. */
export class ThreadPort implements ThreadLink {
  readonly #port: MessagePort;
  readonly #calls = new Map<number, Call>();
  #lastCall = 0;

  /** @param onAbort told when a run is asked to end. */
  constructor(port: MessagePort, onAbort: (run: number, reason: Error) => void) {
    this.#port = port;
    port.on('message', (message: ToThread) => {
      if (message.type === 'abort') onAbort(message.run, unpackError(message.reason));
      else this.#answer(message);
    });
  }

  tell(message: FromThread): void {
    this.#port.postMessage(message);
  }

  /** Asks the worker to do what a handler asked of its context. */
  callContext(run: number, method: ContextMethod, args: readonly unknown[]): Promise<unknown> {
    return this.#call((call) => ({ type: 'context', call, run, method, args }));
  }

  broker(stem: string, partitions: number): Broker {
    return remoteBroker(
      this.#storeCaller(stem, 'broker'),
      this.#storeCaller(stem, 'schedules'),
      partitions,
    );
  }

  resultBackend(stem: string): ResultBackend {
    return remoteResultBackend(this.#storeCaller(stem, 'results'));
  }

  #storeCaller(stem: string, store: StoreKind): RemoteCall {
    return (method, args) =>
      this.#call((call) => ({ type: 'store', call, stem, store, method, args }));
  }

  #call(ask: (call: number) => FromThread): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const call = ++this.#lastCall;
      this.#calls.set(call, { resolve, reject });
      try {
        this.tell(ask(call));
      } catch (error) {
        this.#calls.delete(call);
        // Something in it cannot be cloned.
        reject(error instanceof Error ? error : new Error(String(error)));
      }
    });
  }

  #answer(message: Exclude<ToThread, { type: 'abort' }>): void {
    const call = this.#calls.get(message.call);
    this.#calls.delete(message.call);
    if (message.type === 'answer') call?.resolve(message.value);
    else call?.reject(unpackError(message.error));
  }
}
