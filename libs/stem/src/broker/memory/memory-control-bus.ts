import type { ControlAnswer, ControlBus, ControlMessage, ControlRequest } from '../control-bus.js';

/** Who listens to whom, shared by the brokers of one store. */
export class ControlExchange {
  readonly listeners = new Set<(message: ControlMessage) => void>();
  readonly requests = new Map<string, (answer: ControlAnswer) => void>();
}

/**
 * Commands to workers of the same process. Messages are copied and delivered later, as those between
 * processes are.
 */
export class MemoryControlBus implements ControlBus {
  readonly #exchange: ControlExchange;
  /** What to undo when this side is closed. */
  readonly #open = new Set<() => void>();

  constructor(exchange: ControlExchange) {
    this.#exchange = exchange;
  }

  async listen(listener: (message: ControlMessage) => void): Promise<() => void> {
    // A function of its own, so that one listener may be given twice.
    const own = (message: ControlMessage): void => listener(message);
    this.#exchange.listeners.add(own);
    return this.#undo(() => this.#exchange.listeners.delete(own));
  }

  async request(
    message: ControlMessage,
    onAnswer: (answer: ControlAnswer) => void,
  ): Promise<ControlRequest> {
    const { listeners, requests } = this.#exchange;
    const { requestId } = message;
    requests.set(requestId, onAnswer);
    for (const listener of listeners) {
      const copy = copyOf(message);
      queueMicrotask(() => {
        if (listeners.has(listener)) listener(copy);
      });
    }
    return { listeners: listeners.size, close: this.#undo(() => requests.delete(requestId)) };
  }

  async answer(answer: ControlAnswer): Promise<void> {
    const copy = copyOf(answer);
    queueMicrotask(() => this.#exchange.requests.get(copy.requestId)?.(copy));
  }

  close(): void {
    for (const undo of [...this.#open]) undo();
  }

  #undo(action: () => void): () => void {
    const undo = (): void => {
      this.#open.delete(undo);
      action();
    };
    this.#open.add(undo);
    return undo;
  }
}

function copyOf<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}
