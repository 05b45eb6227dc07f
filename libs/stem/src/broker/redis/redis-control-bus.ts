import { setTimeout as delay } from 'node:timers/promises';
import type { TaskLogger } from '../../core/task-context.js';
import type { ControlAnswer, ControlBus, ControlMessage, ControlRequest } from '../control-bus.js';
import { readControlAnswer, readControlMessage } from '../control-messages.js';
import type { RedisConnection } from './connection.js';
import { controlAnswerChannel, controlChannel } from './keys.js';
import type { Subscriber } from './subscriber.js';

/** How long it is waited for a subscription; it comes into force later all the same. */
const SUBSCRIBE_MS = 1_000;
/** Dropped messages are reported no more often than this. */
const COMPLAINT_PAUSE_MS = 10_000;

/** Commands to workers over Redis' channels. */
export class RedisControlBus implements ControlBus {
  readonly #connection: RedisConnection;
  readonly #subscriber: Subscriber;
  readonly #namespace: string;
  readonly #log: TaskLogger | undefined;
  readonly #listeners = new Set<(message: ControlMessage) => void>();
  #complainedMonotonicMs = -Infinity;

  constructor(
    connection: RedisConnection,
    subscriber: Subscriber,
    namespace: string,
    log: TaskLogger | undefined,
  ) {
    this.#connection = connection;
    this.#subscriber = subscriber;
    this.#namespace = namespace;
    this.#log = log;
  }

  async listen(listener: (message: ControlMessage) => void): Promise<() => void> {
    // A function of its own, so that one listener may be given twice.
    const own = (message: ControlMessage): void => listener(message);
    this.#listeners.add(own);
    const channel = controlChannel(this.#namespace);
    await this.#subscribe(channel, (text) => {
      const message = readControlMessage(text);
      if (!message) return this.#complain('a command to workers', text);
      for (const hear of this.#listeners) hear(message);
    });
    return () => {
      this.#listeners.delete(own);
      if (this.#listeners.size === 0) this.#subscriber.unsubscribe(channel);
    };
  }

  async request(
    message: ControlMessage,
    onAnswer: (answer: ControlAnswer) => void,
  ): Promise<ControlRequest> {
    const channel = controlAnswerChannel(this.#namespace, message.requestId);
    const close = (): void => this.#subscriber.unsubscribe(channel);
    await this.#subscribe(channel, (text) => {
      const answer = readControlAnswer(text);
      if (answer?.requestId === message.requestId) onAnswer(answer);
      else this.#complain('the answer of a worker', text);
    });
    try {
      const listeners = await this.#publish(controlChannel(this.#namespace), message);
      return { listeners, close };
    } catch (error) {
      close();
      throw error;
    }
  }

  async answer(answer: ControlAnswer): Promise<void> {
    await this.#publish(controlAnswerChannel(this.#namespace, answer.requestId), answer);
  }

  /** Commands may be carried out twice, so one whose answer was lost may be sent again. */
  #publish(channel: string, content: object): Promise<number> {
    const text = JSON.stringify(content);
    return this.#connection.run('talk to workers', (client) => client.publish(channel, text));
  }

  async #subscribe(channel: string, listener: (text: string) => void): Promise<void> {
    await Promise.race([
      this.#subscriber.subscribe(channel, listener),
      delay(SUBSCRIBE_MS, undefined, { ref: false }),
    ]);
  }

  #complain(what: string, text: string): void {
    const now = performance.now();
    if (now - this.#complainedMonotonicMs < COMPLAINT_PAUSE_MS) return;
    this.#complainedMonotonicMs = now;
    this.#log?.warn(
      `Something that is not ${what} (${text.length} characters) came over the channels of namespace ` +
        `'${this.#namespace}'; it was dropped. Who else writes there?`,
    );
  }
}
